"""What demand would need, answered by the simulator. Import its modules, not the package."""
