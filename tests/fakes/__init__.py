"""In-memory stand-ins for what lies outside, each held to its port by the same contract tests as the real one."""
