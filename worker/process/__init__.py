"""The processes of a worker: devices, state files, heartbeat, health.

hardware           CPU cores within affinity and quota, GPUs by NVML
device_plan        PURE: slot, devices and CPU limits -> device, threads, environment
heartbeat          a child's progress file, and when the child is considered hung
heartbeat_store    object store that touches the heartbeat at each request
slot_state         one small state file per slot in the run directory
slot_reporter      keeps a slot's state file up to date while its child works
private_directory  directories that only this process's user can write to
health             PURE: /healthz and /readyz
resident_memory    resident memory of a process
"""
