package config

import "github.com/wecomq/wecomq/internal/textfile"

// The environment variables that replace keys of the file.
var (
	redisVariables = map[string]string{
		"url":                 "REDIS_URL",
		"durability":          "REDIS_DURABILITY",
		"encryption_key":      "REDIS_ENCRYPTION_KEY",
		"encryption_key_file": "REDIS_ENCRYPTION_KEY_FILE",
	}
	appVariables = map[string]string{ //nolint:gosec // names, not secrets
		"corp_id":      "WECOM_CORP_ID",
		"agent_id":     "WECOM_AGENT_ID",
		"secret":       "WECOM_SECRET",
		"secret_file":  "WECOM_SECRET_FILE",
		"api_base_url": "WECOM_API_BASE_URL",
	}
)

// DefaultApp is the name of the only application that the environment can define.
const DefaultApp = "default"

// readEnvironment reads a configuration from environment variables only.
func readEnvironment(src *source) (*Config, error) {
	app := variableSection(src, appVariables)
	if len(app.entries) == 0 {
		return nil, ErrNone
	}
	apps := map[string]*App{DefaultApp: readApp(DefaultApp, app)}
	nothing := newSection(src, place{}, nil)
	return readConfig(src, variableSection(src, redisVariables), apps, nothing, nothing, nothing)
}

// variable is the value of an environment variable.
func (s *source) variable(name string) string {
	text, _ := s.lookupEnv(name)
	return textfile.Value(text)
}

// variableSection makes a section from the variables that are set and not empty.
func variableSection(src *source, names map[string]string) *section {
	s := newSection(src, place{}, nil)
	s.variables = names
	for key, name := range names {
		if text := src.variable(name); text != "" {
			s.entries[key] = entry{place: place{field: name}, text: text}
		}
	}
	return s
}
