"""The read side: filters in, one frozen `Standings` out, for page, CSV and figure alike."""
