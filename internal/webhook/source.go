package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/wecomq/wecomq/internal/problem"
)

// sourceName matches the valid names of sources, which are part of a path and of a metric.
var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// CheckSourceName returns an error for an invalid source name.
func CheckSourceName(name string) error {
	switch source := Source(name); {
	case source == Alertmanager || source == Grafana:
		return fmt.Errorf("%s is built in; choose another name", name)
	case source == digests:
		return fmt.Errorf("%s is what metrics call a digest; choose another name", name)
	case !sourceName.MatchString(name):
		return fmt.Errorf("%q is not a valid source name: 1 to 32 of a-z 0-9 _ - beginning with a letter or digit", name)
	}
	return nil
}

// SourceNames lists the sources whose webhooks are accepted.
func (c Config) SourceNames() []Source {
	return append([]Source{Alertmanager, Grafana}, slices.Sorted(maps.Keys(c.Sources))...)
}

// Sources reads the webhooks of the sources of a config. It is safe for concurrent use.
type Sources struct{ mappers map[Source]*mapper }

// NewSources parses the mappings of a config and tries each, so that a mistake is found now and not with the
// first alert.
func NewSources(cfg Config) (*Sources, error) {
	s := &Sources{map[Source]*mapper{}}
	for source, mapping := range cfg.Sources {
		mapper, err := newMapper(source, mapping, cfg)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", source, err)
		}
		s.mappers[source] = mapper
	}
	return s, nil
}

// Report is the content of a webhook.
type Report struct {
	Notifications []Notification
	Skipped       int // documents that are not alerts
	// Fault is the failure of a mapping, usually nil, and Faulty how many notifications are shown differently
	// because of it: a mistake in it must not lose an alert.
	Fault  error
	Faulty int
}

// Parse parses the body of a source's webhook. Its error is a [*SyntaxError], an
// [*InvalidError], or of the kind [problem.ErrNoRoute].
func (s *Sources) Parse(source Source, body []byte) (Report, error) {
	var n Notification
	var err error
	switch source {
	case Alertmanager:
		n, err = ParseAlertmanager(body)
	case Grafana:
		n, err = ParseGrafana(body)
	default:
		mapper := s.mappers[source]
		if mapper == nil {
			return Report{}, noSource(source)
		}
		return mapper.report(body)
	}
	if err != nil {
		return Report{}, err
	}
	return Report{Notifications: []Notification{n}}, nil
}

// report reads each document of a body.
func (m *mapper) report(body []byte) (Report, error) {
	found, err := documents(body)
	if err != nil {
		return Report{}, err
	}
	report := Report{}
	for _, document := range found {
		r := &reading{mapper: m, document: document}
		n, isAlert := r.notification()
		if fault := r.fault(); fault != nil {
			report.Fault = cmp.Or(report.Fault, fault)
			report.Faulty++
		}
		if !isAlert {
			report.Skipped++
			continue
		}
		report.Notifications = append(report.Notifications, n)
	}
	return report, nil
}

// noSource is the error for a source that the config does not have.
func noSource(source Source) error {
	text := fmt.Sprintf("gateway.webhooks.sources has no %.40q", string(source))
	if _, isPreset := Preset(string(source)); isPreset {
		text += fmt.Sprintf("; there is a preset for it: write %s: {} there", source)
	}
	return problem.As(problem.ErrNoRoute, errors.New(text))
}
