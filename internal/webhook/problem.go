package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/wecomq/wecomq/message"
)

// retryAfter is how many seconds a sender should wait while Redis is away.
const retryAfter = 5

// problem is the JSON of an error (RFC 9457).
type problem struct {
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Errors []problemField `json:"errors,omitempty"`
	// RequestID is the one that the gateway has given to the request.
	RequestID string `json:"request_id,omitempty"`
}

// problemField is a member at fault.
type problemField struct {
	Message  string `json:"message"`
	Location string `json:"location"`
}

// failure is an error with the HTTP status that it has.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// asProblem gives an error its status. Whatever is not the sender's fault is
// answered by 503: Alertmanager and Grafana repeat that, and drop what is answered
// by 4xx.
func asProblem(err error) problem {
	p := problem{Status: http.StatusServiceUnavailable, Detail: "the queue did not take it; send this again"}
	var (
		known   *failure
		syntax  *SyntaxError
		invalid *InvalidError
		refused *message.ValidationError
	)
	switch {
	case errors.As(err, &known):
		p.Status, p.Detail = known.status, known.Error()
	case errors.As(err, &syntax):
		p.Status, p.Detail = http.StatusBadRequest, syntax.Error()
	case errors.As(err, &invalid):
		p.Status, p.Detail = http.StatusUnprocessableEntity, invalid.Error()
		p.Errors = []problemField{{invalid.Text, invalid.Field}}
	case errors.As(err, &refused):
		p.Status, p.Detail = http.StatusUnprocessableEntity, refused.Error()
		for _, field := range refused.Fields {
			p.Errors = append(p.Errors, problemField{field.Problem, field.Field})
		}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func (p problem) write(w http.ResponseWriter) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	p.RequestID = w.Header().Get("X-Request-Id")
	writeJSON(w, "application/problem+json", p.Status, p)
}

// writeJSON answers; whoever hung up before does not learn of it.
func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body)
}
