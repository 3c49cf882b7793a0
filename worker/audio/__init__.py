"""Fetches audio and decodes it to 16 kHz samples.

decode             any audio -> 16 kHz samples, with PyAV
decoder_input      a file object for PyAV whose seeks cannot fail
damage/            decodes damaged files and measures the audio that is missing
resampling         frames of any format -> 16 kHz samples
input_checks       allowed container formats; limits on size, duration, channels, sample rate
declared_duration  the duration a file declares, the size in a WAV header: truncated files
audio_range        selects the requested time range and channels
source             AudioSource: storage or the web, by address; compares sizes with the listing
web                fetches audio over HTTP: redirects, limits, error translation
web_request        sends one HTTP request to a verified public network address
"""
