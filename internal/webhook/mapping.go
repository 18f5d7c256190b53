package webhook

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Mapping turns the JSON of a source into an alert. Its texts are templates like those of messages, whose dot is
// the JSON; a missing member is empty. The result of an empty text, or of one without output, is left out.
type Mapping struct {
	// Template writes the text of the alert: a summary in the first line, details in the others. Empty lines are
	// left out. Without output, all members of the JSON are shown.
	Template string `yaml:"template"`
	// Name is the kind of alert, for the title and digests; by default the name of the source.
	Name string `yaml:"name"`
	// DedupKey is equal for everything that is sent about one alert, its beginning and its end. By default it is the
	// JSON itself, so that only equal bytes are about the same alert.
	DedupKey string `yaml:"dedup_key"`
	// Resolved writes true for the end of an alert.
	Resolved string `yaml:"resolved"`
	// Severity is one of the severities in the config's order.
	Severity string `yaml:"severity"`
	// StartsAt and EndsAt are when the alert began and ended: RFC 3339, Unix time, or date and time in the config's
	// time zone.
	StartsAt string `yaml:"starts_at"`
	EndsAt   string `yaml:"ends_at"`
	// Link is the page about the alert.
	Link string `yaml:"link"`
	// Skip writes true for a document that is not an alert; it becomes no message.
	Skip string `yaml:"skip"`
	// Labels are the alert's labels, by name: routes match them, and they can name recipients.
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

// Texts lists all texts of the mapping except its labels, in the order of the documentation.
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

// mapper is a mapping with parsed texts.
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

// reading is the reading of one document. A mistake in a text never loses the alert: the text's part is left
// out, and the mistake recorded.
type reading struct {
	*mapper

	document any
	faults   []error
}

// notification reads a document; it reports false if it is not an alert.
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

// maxKeyBytes is the longest dedup_key that is logged in full.
const maxKeyBytes = 200

// write returns the output of a text.
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

// labelled returns the labels of the alert.
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

// describe sets the annotations: the output of the template or, without it, the members of the document.
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

// moment parses the time that a text writes. A time that cannot be parsed is shown unchanged.
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

// fault joins the recorded faults, nil if there are none.
func (r *reading) fault() error { return errors.Join(r.faults...) }
