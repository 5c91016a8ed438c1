"""Personal access tokens: made, listed and revoked by whom they speak for."""
