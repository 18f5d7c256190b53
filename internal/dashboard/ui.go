package dashboard

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
)

// elsewhere are the links of asynqmon's page to Google's fonts.
var elsewhere = regexp.MustCompile(`<link[^>]+href="https?://[^>]*>`)

// page buffers a page until it is complete. asynqmon's pages are all small.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the header of the response.
func (p *page) Header() http.Header { return p.header }

// WriteHeader notes the status.
func (p *page) WriteHeader(status int) { p.status = status }

// Write keeps the bytes.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// asynqmon cuts ids at the first "-", which would leave only the app's name of ours.
var (
	cutsIDs   = []byte(`=e.indexOf("-");return-1===t?e:e.substr(0,t)`)
	leavesIDs = []byte(`=e.indexOf("/");return-1===t?e:e.substr(0,t)`) // no id contains "/"
)

// serveUI serves asynqmon's files. Any other path gets its page, with the links to other
// hosts removed.
func serveUI(w http.ResponseWriter, r *http.Request, monitor http.Handler) {
	p := &page{header: w.Header(), status: http.StatusOK}
	monitor.ServeHTTP(p, r)
	body := p.body.Bytes()
	switch {
	case strings.HasPrefix(r.URL.Path, Root+"/static/"): // their names change with their content
		p.header.Set("Cache-Control", "private, max-age=3600")
		body = bytes.ReplaceAll(body, cutsIDs, leavesIDs)
	case strings.HasPrefix(http.DetectContentType(body), "text/html"):
		p.header.Set("Content-Type", "text/html; charset=utf-8")
		body = elsewhere.ReplaceAll(body, nil)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}
