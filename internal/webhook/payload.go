package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/jsonbound"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/textfile"
)

// Limits of a webhook. Alertmanager's max_alerts keeps its webhooks below them.
const (
	// MaxBodyBytes is the largest body that is accepted.
	MaxBodyBytes = 8 << 20
	// MaxAlerts is how many alerts one webhook may contain.
	MaxAlerts = 10_000
)

// MaxSourceBodyBytes is the largest body of a source with a [Mapping], in bytes: it reports one alert, or a few,
// and all of its members are decoded.
const MaxSourceBodyBytes = 1 << 20

// Bounds are the bounds of a webhook's JSON, including its labels: users of Prometheus have about thirty.
var Bounds = jsonbound.Bounds{Depth: 16, Outer: 256, Members: 256, Elements: MaxAlerts + 1}

// SourceBounds are the bounds of the JSON of a source with a [Mapping]. Error traces are deep, name some hundred
// modules, and have some thousand values.
var SourceBounds = jsonbound.Bounds{Depth: 32, Outer: 256, Members: 1000, Elements: 10_000, Values: 20_000, ValueBytes: 256}

// InvalidError is returned for a webhook with an invalid value. Sending it again would not help.
type InvalidError struct {
	Field string // JSON path, e.g. alerts[3].status
	Text  string // the mistake, and what would be right
}

// Error is "field: text".
func (e *InvalidError) Error() string { return e.Field + ": " + e.Text }

// Unwrap is the kind of the error.
func (e *InvalidError) Unwrap() error { return problem.ErrInvalid }

// SyntaxError is returned for a body that is not the JSON of a webhook.
type SyntaxError struct{ Text string }

// Error returns the text.
func (e *SyntaxError) Error() string { return e.Text }

// Unwrap is the kind of the error.
func (e *SyntaxError) Unwrap() error { return problem.ErrMalformed }

// bodyError is returned for a body that was too slow or cut off, or for which there is no memory.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return fmt.Sprintf("read the body: %v; send it again", e.err) }
func (e *bodyError) Unwrap() error { return problem.ErrUnavailable }

// payload is the JSON of both sources: Grafana's is Alertmanager's with additions. Both add members now and
// then, so unknown ones are ignored.
type payload struct {
	Version           string            `json:"version"`
	Receiver          string            `json:"receiver"`
	Status            Status            `json:"status"`
	Alerts            []payloadAlert    `json:"alerts"`
	GroupLabels       map[string]string `json:"groupLabels"`       //nolint:tagliatelle // theirs
	CommonLabels      map[string]string `json:"commonLabels"`      //nolint:tagliatelle // theirs
	CommonAnnotations map[string]string `json:"commonAnnotations"` //nolint:tagliatelle // theirs
	ExternalURL       string            `json:"externalURL"`       //nolint:tagliatelle // theirs
	GroupKey          string            `json:"groupKey"`          //nolint:tagliatelle // theirs
	TruncatedAlerts   int               `json:"truncatedAlerts"`   //nolint:tagliatelle // theirs
	OrgID             *json.Number      `json:"orgId"`             //nolint:tagliatelle // theirs
	EvalMatches       json.RawMessage   `json:"evalMatches"`       //nolint:tagliatelle // of Grafana's legacy alerting
	RuleName          string            `json:"ruleName"`          //nolint:tagliatelle // likewise
}

type payloadAlert struct {
	Status       Status            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`     //nolint:tagliatelle // theirs
	EndsAt       string            `json:"endsAt"`       //nolint:tagliatelle // theirs
	GeneratorURL string            `json:"generatorURL"` //nolint:tagliatelle // theirs
	Fingerprint  string            `json:"fingerprint"`
	DashboardURL string            `json:"dashboardURL"` //nolint:tagliatelle // theirs
	PanelURL     string            `json:"panelURL"`     //nolint:tagliatelle // theirs
	SilenceURL   string            `json:"silenceURL"`   //nolint:tagliatelle // theirs
	Values       map[string]any    `json:"values"`
}

// decode decodes one JSON object with nothing after it.
func decode(body []byte) (payload, error) {
	body = textfile.TrimMark(body)
	p := payload{Alerts: make([]payloadAlert, 0, min(bytes.Count(body, []byte(`"status"`)), len(body)/64, MaxAlerts))}
	if err := json.Unmarshal(body, &p); err != nil {
		return payload{}, asSyntaxError(err)
	}
	return p, nil
}

func asSyntaxError(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return &SyntaxError{fmt.Sprintf("%s: a JSON %s, want %s", wrong.Field, wrong.Value, wrong.Type)}
	}
	switch text := strings.TrimPrefix(err.Error(), "json: "); {
	case text == "unexpected end of JSON input", errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &SyntaxError{"the body: empty, or the end of its JSON is missing"}
	case strings.HasSuffix(text, "after top-level value"):
		return &SyntaxError{"the body: something follows the JSON object"}
	default:
		return &SyntaxError{"the body: not the JSON of a webhook: " + text}
	}
}

// notification validates a payload and converts it.
func (p payload) notification(source Source) (Notification, error) {
	switch {
	case len(p.Alerts) == 0 && (p.EvalMatches != nil || p.RuleName != ""):
		return Notification{}, &InvalidError{"alerts", "missing: this is the webhook of Grafana's legacy alerting, which Grafana 11 has removed; " +
			"post it to /v1/webhooks/grafana-legacy/{app}, with grafana-legacy: {} under gateway.webhooks.sources, " +
			"or move the rule to Grafana Alerting (unified alerting, Grafana 8 and later)"}
	case len(p.Alerts) == 0:
		return Notification{}, &InvalidError{"alerts", "missing or empty; a webhook reports at least one alert"}
	case len(p.Alerts) > MaxAlerts:
		return Notification{}, &InvalidError{"alerts", fmt.Sprintf("%d alerts, the limit is %d; set max_alerts in the receiver", len(p.Alerts), MaxAlerts)}
	case p.TruncatedAlerts < 0 || p.TruncatedAlerts > math.MaxInt32:
		return Notification{}, &InvalidError{"truncatedAlerts", fmt.Sprintf("%d is no number of alerts", p.TruncatedAlerts)}
	}
	n := Notification{
		Source: source, Receiver: p.Receiver, GroupKey: p.GroupKey, ExternalURL: p.ExternalURL,
		GroupLabels: p.GroupLabels, CommonLabels: p.CommonLabels, CommonAnnotations: p.CommonAnnotations,
		Alerts: make([]Alert, len(p.Alerts)), Truncated: p.TruncatedAlerts,
	}
	for i, a := range p.Alerts {
		alert, err := a.alert()
		if err != nil {
			err.Field = fmt.Sprintf("alerts[%d].%s", i, err.Field)
			return Notification{}, err
		}
		n.Alerts[i] = alert
	}
	n.Status = statusOf(n.Alerts)
	return n, nil
}

func (a payloadAlert) alert() (Alert, *InvalidError) {
	if a.Status != Firing && a.Status != Resolved {
		return Alert{}, &InvalidError{"status", fmt.Sprintf("%.80q is neither firing nor resolved", string(a.Status))}
	}
	startsAt, err := moment(a.StartsAt)
	if err != nil {
		return Alert{}, &InvalidError{"startsAt", err.Error()}
	}
	endsAt, err := moment(a.EndsAt)
	if err != nil {
		return Alert{}, &InvalidError{"endsAt", err.Error()}
	}
	if a.Status == Firing {
		endsAt = time.Time{} // some senders set the time at which the alert would expire
	}
	if a.Fingerprint == "" {
		a.Fingerprint = fingerprint(a.Labels)
	}
	return Alert{
		Status: a.Status, Labels: a.Labels, Annotations: a.Annotations, StartsAt: startsAt, EndsAt: endsAt,
		GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
		DashboardURL: a.DashboardURL, PanelURL: a.PanelURL, SilenceURL: a.SilenceURL, Values: texts(a.Values),
	}, nil
}

// moment parses a time; an empty text is the zero time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.80q is not a time such as 2026-01-02T15:04:05Z", text)
	}
	return t, nil
}

// texts formats numbers with up to six digits. Expressions without a result are left out.
func texts(values map[string]any) map[string]string {
	if len(values) == 0 {
		return nil
	}
	shown := make(map[string]string, len(values))
	for name, value := range values {
		switch v := value.(type) {
		case float64:
			shown[name] = strconv.FormatFloat(v, 'g', 6, 64)
		case string:
			shown[name] = v
		}
	}
	return shown
}
