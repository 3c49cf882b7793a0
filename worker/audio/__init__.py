"""Fetches audio and decodes it to 16 kHz samples.

source           AudioSource: storage or the web, by address; compares sizes with the listing
web              fetches audio over HTTP: redirects, limits, error translation
request_deadline ends a web request that takes too long
web_request      sends one HTTP request to a verified public network address
decoder_pool     assigns decoder processes to files, in order; replaces those that crash or hang
decoder_process  starts a decoder process and receives the samples that it decodes
decoder_stderr   what a decoder process wrote to stderr, bounded
checked_messages checks what a decoder process sends
decoding/        everything that runs in a decoder process
"""
