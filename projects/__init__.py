"""The domain: who wants which project, who decided, and when the engine has to look again."""
