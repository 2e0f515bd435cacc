"""Encoders and the heads that are put on them. (Never `models`: Django would import it.)"""
