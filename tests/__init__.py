"""unit/ pure and fast; integration/ real Valkey and S3; acceptance/ the commands from outside;
chaos/ kills things while a job runs; fuzz/ throws bytes at the decoder and the shard parser;
house/ the rules this repository keeps.
"""
