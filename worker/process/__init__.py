"""The processes of a worker: devices, state files, heartbeat, health.

hardware           CPU cores and GPUs; slot, devices and CPU limits -> device, threads, environment
heartbeat          a child's progress file, and when the child is considered hung
slot_state         one small state file per slot in the run directory, kept up to date
private_directory  directories that only this process's user can write to
health             PURE: /healthz and /readyz
os_process         memory of a process, SIGKILL, death of the parent
"""
