"""Decodes audio to 16 kHz samples, in decoder processes that import only NumPy and PyAV.

process            main loop of a decoder process
confinement        limits the memory of a decoder process and denies it files and the network
cpu_limit          limits the CPU time per file
messages           messages and samples between a worker child and a decoder process
selection          the requested time range and channels
tracks             chooses the audio track of a file with several
decode             any audio -> 16 kHz samples, with PyAV
decoder_input      a file object for PyAV whose seeks cannot fail
joined_amr         AMR files joined by `cat`: hides the headers between them from FFmpeg
damage/            decodes damaged files and measures the audio that is missing
mixing             the mix of all channels, or one channel where they cancel
resampling         frames of any format -> 16 kHz samples
input_checks       allowed container formats; limits on size, duration, channels, sample rate
matroska           headers of a Matroska file: a declared duration, damage
declared_size      the size that a file declares: truncated files of formats without a duration
asf_header         the duration in the header of an ASF (WMA) file
file_end           the audio that is missing at the end of a file: not read by FFmpeg, or cut off
unread_rest        audio after the end that the header declares, as in joined files
appended_file      a file of another kind behind the audio of a file
fragments          the part of a fragmented MP4 file that FFmpeg does not read
declared_duration  the start and the duration that a file declares: late starts, truncated files
"""
