"""unit/ pure and fast, in the tree of the product; integration/ real Valkey and S3; acceptance/ the
commands from outside; deploy/ images, manifests, dashboards and alerts; support/ shared helpers;
chaos/ injects faults while a job runs; fuzz/ mutates inputs of the decoder and the shard parser;
house/ the rules of this repository.
"""
