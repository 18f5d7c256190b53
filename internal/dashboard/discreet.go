package dashboard

import (
	"bytes"
	"io"
	"net/http"
)

// discreet hides the text of a 5xx, in which asynqmon shows the addresses of Redis.
type discreet struct {
	http.ResponseWriter

	failed bool
	hidden bytes.Buffer
}

// maxHidden bounds how much of a text is kept, in bytes.
const maxHidden = 1 << 10

// WriteHeader writes a text of our own after a failure.
func (d *discreet) WriteHeader(status int) {
	d.failed = status >= http.StatusInternalServerError
	if d.failed {
		d.Header().Del("Content-Length")
		d.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	d.ResponseWriter.WriteHeader(status)
	if d.failed {
		_, _ = io.WriteString(d.ResponseWriter, "Redis did not answer; the log of the gateway says why.\n")
	}
}

// Write passes on responses other than failures.
func (d *discreet) Write(p []byte) (int, error) {
	if !d.failed {
		return d.ResponseWriter.Write(p)
	}
	d.hidden.Write(p[:min(len(p), maxHidden-d.hidden.Len())])
	return len(p), nil
}

// Unwrap lets [http.ResponseController] reach the connection.
func (d *discreet) Unwrap() http.ResponseWriter { return d.ResponseWriter }
