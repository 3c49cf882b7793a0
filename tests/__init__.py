"""unit/ pure and fast; integration/ real Valkey and S3; acceptance/ the commands from outside;
house/ the rules this repository keeps.
"""
