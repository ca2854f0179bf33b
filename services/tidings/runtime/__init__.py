"""Runtime: what services share to run: settings, connections, authentication, HTTP."""
