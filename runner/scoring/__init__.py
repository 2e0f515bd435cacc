"""XTREME's metrics, figure for figure: standard library and numpy only, for the engine and the web process alike."""
