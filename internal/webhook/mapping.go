package webhook

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Mapping says how the JSON of a source becomes an alert. Its texts are templates like
// those of messages, whose dot is the JSON; a member that is missing is empty. A text that
// is empty, or writes nothing, leaves out what it is about.
type Mapping struct {
	// Template is what the alert says: in its first line in short, in the others in
	// detail. Empty lines are left out. If it writes nothing, all members of the JSON are
	// shown.
	Template string `yaml:"template"`
	// Name is the kind of alert, which stands in the title and in digests; by default the
	// name of the source.
	Name string `yaml:"name"`
	// DedupKey is equal in all that is sent about one alert, its beginning and its end. By
	// default it is the JSON itself, so that only equal bytes are about the same.
	DedupKey string `yaml:"dedup_key"`
	// Resolved writes true at the end of an alert.
	Resolved string `yaml:"resolved"`
	// Severity is one of those that the config orders.
	Severity string `yaml:"severity"`
	// StartsAt and EndsAt are when the alert began and ended: RFC 3339, Unix time, or date
	// and time in the config's time zone.
	StartsAt string `yaml:"starts_at"`
	EndsAt   string `yaml:"ends_at"`
	// Link is the page about the alert.
	Link string `yaml:"link"`
	// Skip writes true for what is no alert, and becomes no message.
	Skip string `yaml:"skip"`
	// Labels are those of the alert, by name: routes match them, and they can name
	// recipients.
	Labels map[string]string `yaml:"labels"`
}

// The texts of a mapping, by their keys in the config.
const (
	keyTemplate = "template"
	keyName     = "name"
	keyDedup    = "dedup_key"
	keyResolved = "resolved"
	keySeverity = "severity"
	keyStartsAt = "starts_at"
	keyEndsAt   = "ends_at"
	keyLink     = "link"
	keySkip     = "skip"
)

// Text is a text of a mapping.
type Text struct {
	Key string // in the config
	At  *string
}

// Texts lists all texts of the mapping but its labels, in the order of the documentation.
func (m *Mapping) Texts() []Text {
	return []Text{
		{keyTemplate, &m.Template},
		{keyName, &m.Name},
		{keyDedup, &m.DedupKey},
		{keyResolved, &m.Resolved},
		{keySeverity, &m.Severity},
		{keyStartsAt, &m.StartsAt},
		{keyEndsAt, &m.EndsAt},
		{keyLink, &m.Link},
		{keySkip, &m.Skip},
	}
}

// mapper is a mapping whose texts are parsed.
type mapper struct {
	source   Source
	severity string // the label's name
	zone     *time.Location
	texts    map[string]*expression
	labels   map[string]*expression
}

func newMapper(source Source, m Mapping, cfg Config) (*mapper, error) {
	zone, err := ParseZone(cfg.Timezone)
	if err != nil {
		return nil, err
	}
	parsed := &mapper{
		source: source, severity: cfg.Severity.Label, zone: zone,
		texts: map[string]*expression{}, labels: map[string]*expression{},
	}
	for _, text := range m.Texts() {
		if parsed.texts[text.Key], err = newExpression(*text.At); err != nil {
			return nil, fmt.Errorf("%s: %w", text.Key, err)
		}
	}
	for name, text := range m.Labels {
		if parsed.labels[name], err = newExpression(text); err != nil {
			return nil, fmt.Errorf("labels.%s: %w", name, err)
		}
	}
	return parsed, nil
}

// reading is one document that is being read. No mistake in a text loses the alert: what
// it is about is left out, and the mistake is noted.
type reading struct {
	*mapper

	document any
	faults   []error
}

// notification reads a document; it reports false for one that is no alert.
func (r *reading) notification() (n Notification, isAlert bool) {
	if r.says(keySkip) {
		return Notification{}, false
	}
	alert := Alert{Status: Firing, Labels: r.labelled(), GeneratorURL: r.write(keyLink)}
	r.describe(&alert)
	alert.StartsAt = r.moment(keyStartsAt, alert.Annotations)
	if r.says(keyResolved) {
		alert.Status, alert.EndsAt = Resolved, r.moment(keyEndsAt, alert.Annotations)
	}
	key := r.write(keyDedup)
	if key == "" || len(key) > maxKeyBytes {
		key = digestOf(key, textOf(r.document))
	}
	alert.Fingerprint = digestOf(key)[:16]
	return Notification{
		Source: r.source, GroupKey: key, Status: alert.Status, Alerts: []Alert{alert},
		GroupLabels:  map[string]string{alertName: alert.Labels[alertName]},
		CommonLabels: alert.Labels, CommonAnnotations: alert.Annotations,
	}, true
}

// maxKeyBytes is the longest dedup_key that is logged as it is.
const maxKeyBytes = 200

// write is what a text writes.
func (r *reading) write(key string) string { return r.writes(key, r.texts[key]) }

func (r *reading) writes(key string, text *expression) string {
	written, err := text.write(r.document)
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("%s: %w", key, err))
	}
	return written
}

// says reports whether a text writes true.
func (r *reading) says(key string) bool {
	yes, err := strconv.ParseBool(r.write(key))
	return err == nil && yes
}

// labelled are the labels of the alert.
func (r *reading) labelled() map[string]string {
	labels := map[string]string{}
	for name, text := range r.labels {
		labels[name] = r.writes("labels."+name, text)
	}
	labels[r.severity] = r.write(keySeverity)
	labels[alertName] = first(oneLine(r.write(keyName)), string(r.source))
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	return labels
}

// describe writes the annotations: what the template says or, without it, the members of
// the document.
func (r *reading) describe(alert *Alert) {
	text := r.write(keyTemplate)
	if text == "" {
		alert.Annotations, alert.Omitted = membersOf(r.document)
		return
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	alert.Annotations = map[string]string{"summary": lines[0]}
	if len(lines) > 1 {
		alert.Annotations["description"] = strings.Join(lines[1:], "\n")
	}
}

// moment is the time that a text writes. One that is not understood is shown as it is.
func (r *reading) moment(key string, annotations map[string]string) time.Time {
	text := r.write(key)
	if text == "" {
		return time.Time{}
	}
	t, ok := anyMoment(text, r.zone)
	if !ok {
		annotations[key] = text
	}
	return t
}

// fault is what went wrong, nil for nothing.
func (r *reading) fault() error { return errors.Join(r.faults...) }
