package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/wecomq/wecomq/wecom"
)

const (
	// fetchTimeout limits a download, including redirects and body.
	fetchTimeout = 20 * time.Second
	dialTimeout  = 5 * time.Second
	maxRedirects = 5
)

// Fetcher downloads the files that messages name by URL. Its zero value reaches only public addresses, on ports
// 80 and 443: senders of messages must not reach internal networks.
type Fetcher struct {
	// Dial connects to a host; nil for the dialer of [Guarded].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout of a whole download, 0 for 20 s.
	Timeout time.Duration
}

// Guarded is a dialer that refuses private, loopback, link-local and other special addresses when it connects:
// after the name was resolved, and for each redirect.
func Guarded(resolver *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Resolver: resolver, Control: ssrf.New().Safe}
}

// isURL distinguishes a URL from a media_id, which has no colon.
func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

// fetch downloads a file of a type. name is the server's name for it.
func (f Fetcher) fetch(ctx context.Context, kind wecom.MediaType, address string) (name string, content []byte, err error) {
	limit := cmp.Or(f.Timeout, fetchTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not come within %s", limit))
	defer cancel()
	resp, err := f.get(ctx, address)
	if err != nil {
		return "", nil, fetchProblem(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", nil, problemf("the download was answered HTTP %d", resp.StatusCode)
	}
	most := kind.MaxBytes()
	if content, err = io.ReadAll(io.LimitReader(resp.Body, int64(most)+1)); err != nil {
		return "", nil, fetchProblem(ctx, err)
	}
	if len(content) > most {
		return "", nil, problemf("the download has %v", kind.TooLarge())
	}
	return nameOf(resp), content, nil
}

func (f Fetcher) get(ctx context.Context, address string) (*http.Response, error) {
	dial := f.Dial
	if dial == nil {
		dial = Guarded(nil).DialContext
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "wecomq")
	client := http.Client{
		// No proxy: the guard would see the proxy's address.
		Transport: &http.Transport{
			DialContext: dial, DisableKeepAlives: true, DisableCompression: true, TLSHandshakeTimeout: dialTimeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return nil
		},
	}
	return client.Do(request)
}

// fetchProblem returns why a download failed, without the addresses of names that are not public.
func fetchProblem(ctx context.Context, err error) error {
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		return problemf("the URL leads to an address that is not public, or to a port other than 80 and 443")
	}
	if cause := context.Cause(ctx); cause != nil {
		return problemf("the download failed: %v", cause)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL
	}
	return problemf("the download failed: %v", err)
}

// nameOf is the server's name for a file, or the last part of its path, cut to WeCom's limit.
func nameOf(resp *http.Response) string {
	name := path.Base(resp.Request.URL.Path)
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		name = path.Base(params["filename"])
	}
	if wecom.CheckFilename(name) != nil || name == "." {
		return ""
	}
	return name
}
