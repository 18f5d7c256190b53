package wecomtest

import (
	"fmt"
	"time"
)

// Duration is a time.Duration, written like "1.5s" in JSON and YAML.
type Duration time.Duration

// String is the duration as time.Duration prints it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("read duration: %w (write it like \"90s\" or \"1h30m\")", err)
	}
	*d = Duration(parsed)
	return nil
}
