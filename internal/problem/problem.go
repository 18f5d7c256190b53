// Package problem answers errors over HTTP as application/problem+json (RFC 9457). Its table is the only place
// that assigns HTTP statuses to errors.
package problem

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// ContentType is that of a problem.
const ContentType = "application/problem+json"

// RetryAfter is how long a client should wait while Redis is unavailable.
const RetryAfter = 5 * time.Second

// Problem is the response to an error.
type Problem struct { //nolint:errname // RFC 9457 calls it a problem
	huma.ErrorModel

	RequestID string `json:"request_id,omitempty" doc:"Names the request in the gateway's log"`
	// InvalidRows is how many rows of a list of recipients have a problem, and Rows describes the first twenty of them.
	InvalidRows int               `json:"invalid_rows,omitempty" doc:"How many rows of a list have a problem"`
	Rows        []compose.Problem `json:"rows,omitempty" doc:"What is wrong with the first twenty of them: line, column, reason"`
	// Limit is the token's limit that is used up.
	Limit *Limit `json:"limit,omitempty" doc:"Which limit of the token is used up"`

	wait     *WaitError
	chinese  string
	language wecom.Language
}

// Limit is a limit of a token.
type Limit struct {
	Name     string `json:"name" doc:"As in the config: per_minute or recipients_per_day" example:"per_minute"`
	Max      int    `json:"max" doc:"Messages a minute, or recipients a day of China"`
	Left     int    `json:"left" doc:"How many of them are left; the message needs more"`
	ResetsIn int    `json:"resets_in" doc:"Seconds until all of them are free again"`
}

var _ huma.StatusError = (*Problem)(nil)

// New returns the problem of an error, with its text and the invalid members; location precedes their names. The
// caller must replace a text that reveals too much.
func New(err error, location string) *Problem {
	p := &Problem{chinese: inChinese(err)}
	p.SetStatus(Status(err))
	p.Detail = err.Error()
	p.wait, _ = errors.AsType[*WaitError](err)
	if invalid, ok := errors.AsType[*message.ValidationError](err); ok {
		for _, field := range invalid.Fields {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: location + field.Field, Message: field.Problem})
		}
	}
	if reuse, ok := errors.AsType[*tasks.KeyReuseError](err); ok {
		p.Errors = []*huma.ErrorDetail{{Location: location + "idempotency_key", Message: "is that of another one", Value: reuse.ID}}
	}
	if forbidden, ok := errors.AsType[*budget.ForbiddenError](err); ok {
		p.Errors = []*huma.ErrorDetail{{Location: location + forbidden.Field, Message: forbidden.Text}}
	}
	if spent, ok := errors.AsType[*budget.SpentError](err); ok {
		p.Limit = &Limit{Name: spent.Limit, Max: spent.Max, Left: spent.Left, ResetsIn: int(spent.Wait().Seconds())}
	}
	if list, ok := errors.AsType[*compose.ListError](err); ok {
		p.InvalidRows, p.Rows = max(list.Invalid, 1), list.Problems
	}
	return p
}

// SetStatus gives the problem a status, and its title.
func (p *Problem) SetStatus(status int) {
	p.Status, p.Title = status, http.StatusText(status)
	if p.language == wecom.Chinese {
		p.Title = titlesInChinese[status]
	}
}

// AskForRepeat gives the problem a status after which senders of alerts retry: after a 4xx, Alertmanager and
// Grafana drop the alert.
func (p *Problem) AskForRepeat() { p.SetStatus(http.StatusServiceUnavailable) }

// In returns the problem in a language: in Chinese the details stay in English, because they name fields, limits
// and WeCom's answers.
func (p *Problem) In(l wecom.Language) *Problem {
	if l != wecom.Chinese {
		return p
	}
	p.language = l
	p.SetStatus(p.Status)
	if p.chinese != "" && p.Detail != "" {
		p.Detail = p.chinese + "（" + p.Detail + "）"
	}
	return p
}

// ContentType makes huma use the right content type.
func (p *Problem) ContentType(string) string { return ContentType }

// GetHeaders says when to retry, how to authenticate, and the language.
func (p *Problem) GetHeaders() http.Header {
	header := p.whatToDo()
	if p.language != "" {
		header.Set("Content-Language", string(p.language))
	}
	return header
}

func (p *Problem) whatToDo() http.Header {
	if p.wait != nil {
		return http.Header{"Retry-After": {p.wait.Header()}}
	}
	if p.Limit != nil {
		return http.Header{"Retry-After": {strconv.Itoa(p.Limit.ResetsIn)}}
	}
	switch p.Status {
	case http.StatusServiceUnavailable:
		return http.Header{"Retry-After": {strconv.Itoa(int(RetryAfter.Seconds()))}}
	case http.StatusUnauthorized:
		return http.Header{"Www-Authenticate": {`Bearer realm="wecomq"`}}
	}
	return http.Header{}
}

// Write writes the problem as the response.
func (p *Problem) Write(w http.ResponseWriter) {
	maps.Copy(w.Header(), p.GetHeaders())
	WriteJSON(w, p.Status, ContentType, p)
}

// WriteJSON writes a value as the response, without escaping < > &. Write errors are
// ignored: they mean that the client has disconnected.
func WriteJSON(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
}
