"""Our code against a real Valkey, a real S3 API, real FunASR classes and a real worker."""
