"""The engine and its workers: three-phase training and zero-shot evaluation of multilingual encoders."""
