// TokenSources
