"""Fetches audio and decodes it to 16 kHz samples.

decode             any audio -> 16 kHz samples, with PyAV
decoder_input      a file object for PyAV whose seeks cannot fail
damage/            decodes damaged files and measures the audio that is missing
resampling         frames of any format -> 16 kHz samples
listed_bytes       fetches audio and compares its size with the listing
input_checks       allowed container formats; limits on size, duration, channels, sample rate
declared_duration  the duration a file declares; detects truncated files
audio_range        selects the requested time range and channels
sources/           fetches audio from the object store or from allowed hosts
"""
