"""Published scalers to compare with, and bounds that no scaler can pass. Import its modules."""
