// Package problem answers errors over HTTP as application/problem+json (RFC 9457).
// Its table is the only place that gives an error its HTTP status.
package problem

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/message"
)

// ContentType is that of a problem.
const ContentType = "application/problem+json"

// RetryAfter is how long a client should wait while Redis is unavailable.
const RetryAfter = 5 * time.Second

// Problem is the answer to an error.
type Problem struct { //nolint:errname // RFC 9457 calls it a problem
	huma.ErrorModel

	RequestID string `json:"request_id,omitempty" doc:"Names the request in the gateway's log"`
}

var _ huma.StatusError = (*Problem)(nil)

// New says of an error what its text says, and which members are at fault: location
// stands before their names. The caller replaces a text that says too much.
func New(err error, location string) *Problem {
	p := &Problem{}
	p.Status = Status(err)
	p.Title, p.Detail = http.StatusText(p.Status), err.Error()
	if invalid, ok := errors.AsType[*message.ValidationError](err); ok {
		for _, field := range invalid.Fields {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: location + field.Field, Message: field.Problem})
		}
	}
	return p
}

// ContentType makes huma answer with the right one.
func (p *Problem) ContentType(string) string { return ContentType }

// GetHeaders tells a client when to come again, or how to say who it is.
func (p *Problem) GetHeaders() http.Header {
	switch p.Status {
	case http.StatusServiceUnavailable:
		return http.Header{"Retry-After": {strconv.Itoa(int(RetryAfter.Seconds()))}}
	case http.StatusUnauthorized:
		return http.Header{"Www-Authenticate": {`Bearer realm="wecomq"`}}
	}
	return nil
}

// Write answers with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.GetHeaders())
	WriteJSON(w, p.Status, ContentType, p)
}

// WriteJSON answers with a value, with < > & as they are. A client that has gone cannot
// be told, so errors of writing are dropped.
func WriteJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
}
