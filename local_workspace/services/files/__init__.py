"""Files API on Unity Catalog volumes: bytes in S3 behind the volume's grants."""
