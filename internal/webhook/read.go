package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// UnknownSourceError is a source that is neither in the config nor a preset.
type UnknownSourceError struct{ Source Source }

// Error lists the known sources.
func (e *UnknownSourceError) Error() string {
	return fmt.Sprintf("%q is neither %s nor %s, no source of the config, and none of the presets %s",
		e.Source, Alertmanager, Grafana, strings.Join(Presets(), ", "))
}

// SourceError is a source with a faulty mapping.
type SourceError struct {
	Source Source
	Err    error
}

// Error names the source.
func (e *SourceError) Error() string { return fmt.Sprintf("%s: %v", e.Source, e.Err) }

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// Read parses the body of a webhook. The source is one of the config or a preset; "" means Alertmanager or
// Grafana, whichever the body matches. A fault of the mapping is an error.
func (c Config) Read(source Source, body []byte) ([]Notification, error) {
	if source == "" {
		n, err := Parse(body)
		return []Notification{n}, err
	}
	preset, isPreset := Preset(string(source))
	if _, own := c.Sources[source]; isPreset && !own {
		c.Sources = map[Source]Mapping{source: preset}
	}
	if !slices.Contains(c.SourceNames(), source) {
		return nil, &UnknownSourceError{source}
	}
	sources, err := NewSources(c)
	if err != nil {
		return nil, &SourceError{source, err}
	}
	report, err := sources.Parse(source, body)
	switch {
	case err != nil:
		return nil, err
	case report.Fault != nil:
		return nil, &SourceError{source, report.Fault}
	case len(report.Notifications) == 0:
		return nil, errors.New("the source skips it: it becomes no message")
	}
	return report.Notifications, nil
}
