"""unit/ pure and fast, in the tree of the product; integration/ real Valkey and S3; acceptance/ the
commands from outside; deploy/ images, manifests, dashboards and alerts; support/ what these share;
chaos/ kills things while a job runs; fuzz/ throws bytes at the decoder and the shard parser;
house/ the rules this repository keeps.
"""
