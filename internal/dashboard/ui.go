package dashboard

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
)

// elsewhere are the links of asynqmon's page to Google's fonts.
var elsewhere = regexp.MustCompile(`<link[^>]+href="https?://[^>]*>`)

// page is a page held back until it is whole. asynqmon's are all small.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is that of the answer.
func (p *page) Header() http.Header { return p.header }

// WriteHeader notes the status.
func (p *page) WriteHeader(status int) { p.status = status }

// Write keeps the bytes.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// asynqmon cuts an id at its first "-", which leaves of ours the name of the app.
var (
	cutsIDs   = []byte(`=e.indexOf("-");return-1===t?e:e.substr(0,t)`)
	leavesIDs = []byte(`=e.indexOf("/");return-1===t?e:e.substr(0,t)`) // which no id has
)

// serveUI serves asynqmon's files. What is no file is its page, in which nothing
// may come from elsewhere.
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
		p.header.Set("Cache-Control", "no-store")
		body = elsewhere.ReplaceAll(body, nil)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body)
}
