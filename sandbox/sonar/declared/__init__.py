"""The object types that the sandbox serves, in the compact notation of `sandbox.sonar.declarations`."""
