package media_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// site serves files under the name files.example.com.
type site struct {
	http.ServeMux

	hang chan struct{} // closed at the end
}

func newSite(t *testing.T) (*site, *httptest.Server) {
	t.Helper()
	s := &site{hang: make(chan struct{})}
	serve := func(path string, do func(w http.ResponseWriter)) {
		s.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { do(w) })
	}
	redirect := func(to string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	serve("/a.png", func(w http.ResponseWriter) { _, _ = w.Write(picture) })
	serve("/report.pdf", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "%PDF-1.7") })
	serve("/named", func(w http.ResponseWriter) {
		w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf")
		_, _ = io.WriteString(w, "%PDF-1.7")
	})
	serve("/gif", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "GIF89a and so on") })
	serve("/missing", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) })
	serve("/moved", redirect("/a.png"))
	serve("/loop", redirect("/loop"))
	serve("/loopback", redirect("http://127.0.0.1/secret"))
	serve("/metadata", redirect("http://169.254.169.254/latest/meta-data/"))
	serve("/private", redirect("http://[fd00::1]/"))
	serve("/port", redirect("http://8.8.8.8:6379/"))
	serve("/scheme", redirect("file:///etc/passwd"))
	serve("/slow", func(w http.ResponseWriter) {
		_, _ = w.Write(picture[:4])
		_ = http.NewResponseController(w).Flush()
		<-s.hang
	})
	serve("/endless", func(w http.ResponseWriter) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(s.hang) })
	return s, server
}

// fetcher reaches the site by its name, and everything else as in production.
func fetcher(server *httptest.Server, resolver *net.Resolver) media.Fetcher {
	return media.Fetcher{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "files.example.com:80" {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}
		return media.Guarded(resolver).DialContext(ctx, network, address)
	}, Timeout: time.Minute}
}

// resolverTo resolves every name to an address.
func resolverTo(ip [4]byte) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerDNS(server, ip)
		return client, nil
	}}
}

// answerDNS answers one question over a stream: an A record, or nothing of another type.
func answerDNS(conn net.Conn, ip [4]byte) {
	defer func() { _ = conn.Close() }()
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return
	}
	query := make([]byte, int(head[0])<<8|int(head[1]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the zero, type and class
	answers := byte(0)
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if query[end-3] == 1 { // type A
		answers = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ip[0], ip[1], ip[2], ip[3])
	}
	reply[7] = answers
	_, _ = conn.Write(append([]byte{byte(len(reply) >> 8), byte(len(reply))}, reply...))
}

func resolve(t *testing.T, f media.Fetcher, request message.Request) (message.Request, error) {
	t.Helper()
	s := media.New(redistest.New(t), media.Config{App: "ops", TTL: time.Hour, Fetcher: f})
	m, err := s.Resolve(t.Context(), tasks.Message{Request: request})
	return m.Request, err
}

func imageOf(id string) message.Request {
	return message.SendImageRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Image: message.ImageField{MediaID: id}}
}

func fileOf(id string) message.Request {
	return message.SendFileRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, File: message.FileField{MediaID: id}}
}

func TestAURLBecomesAReference(t *testing.T) {
	t.Parallel()
	_, server := newSite(t)
	pdf := []byte("%PDF-1.7")
	for name, tc := range map[string]struct {
		request message.Request
		want    message.MediaRef
	}{
		"a picture":              {imageOf("http://files.example.com/a.png"), media.Of(wecom.MediaImage, "", picture)},
		"a redirect to it":       {imageOf("http://files.example.com/moved"), media.Of(wecom.MediaImage, "", picture)},
		"a file with its name":   {fileOf("http://files.example.com/report.pdf?v=2"), media.Of(wecom.MediaFile, "report.pdf", pdf)},
		"the name of the server": {fileOf("http://files.example.com/named"), media.Of(wecom.MediaFile, "报告.pdf", pdf)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := resolve(t, fetcher(server, nil), tc.request)
			if err != nil {
				t.Fatal(err)
			}
			if got := message.MediaRefs(request); len(got) != 1 || got[0] != tc.want {
				t.Errorf("references %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAURLThatIsRefused(t *testing.T) {
	t.Parallel()
	_, server := newSite(t)
	const notPublic = "image.media_id: the URL leads to an address that is not public"
	for name, tc := range map[string]struct {
		url      string
		resolver *net.Resolver
		timeout  time.Duration
		says     string
	}{
		"loopback":                         {url: "http://127.0.0.1/", says: notPublic},
		"loopback in IPv6":                 {url: "http://[::1]/", says: notPublic},
		"loopback mapped into IPv6":        {url: "http://[::ffff:127.0.0.1]/", says: notPublic},
		"a private address":                {url: "http://10.1.2.3/", says: notPublic},
		"the cloud's metadata":             {url: "http://169.254.169.254/", says: notPublic},
		"a redirect to loopback":           {url: "http://files.example.com/loopback", says: notPublic},
		"a redirect to the metadata":       {url: "http://files.example.com/metadata", says: notPublic},
		"a redirect to a private address":  {url: "http://files.example.com/private", says: notPublic},
		"a redirect to another port":       {url: "http://files.example.com/port", says: notPublic},
		"a redirect to a file":             {url: "http://files.example.com/scheme", says: "unsupported protocol scheme"},
		"a name for the metadata":          {url: "http://innocent.example.com/", resolver: resolverTo([4]byte{169, 254, 169, 254}), says: notPublic},
		"a name for loopback":              {url: "https://innocent.example.com/", resolver: resolverTo([4]byte{127, 0, 0, 1}), says: notPublic},
		"redirects without end":            {url: "http://files.example.com/loop", says: "more than 5 redirects"},
		"a body that stops":                {url: "http://files.example.com/slow", timeout: 50 * time.Millisecond, says: "it did not come within 50ms"},
		"a body without end":               {url: "http://files.example.com/endless", says: "the download has more than WeCom's limit of 10 MB for type image; make it smaller"},
		"no picture":                       {url: "http://files.example.com/gif", says: "image.media_id: not a JPG or PNG"},
		"a file that is not there":         {url: "http://files.example.com/missing", says: "the download was answered HTTP 404"},
		"a URL that is none":               {url: "http://%zz/", says: "image.media_id: the download failed: invalid URL escape"},
		"a URL of another kind":            {url: "ftp://files.example.com/picture.png", says: "only URLs that begin with http:// or https:// are downloaded"},
		"a path, which only send can read": {url: "file:/etc/passwd", says: "only on the command line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fetcher(server, tc.resolver)
			if tc.timeout > 0 {
				f.Timeout = tc.timeout
			}
			_, err := resolve(t, f, imageOf(tc.url))
			if _, invalid := errors.AsType[*message.ValidationError](err); !invalid || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want a ValidationError that says %q", err, tc.says)
			}
		})
	}
}

func TestWithoutADialerOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	_, server := newSite(t)
	_, err := resolve(t, media.Fetcher{}, imageOf(server.URL+"/a.png"))
	if err == nil || !strings.Contains(err.Error(), "not public") {
		t.Errorf("error %v, want that the address is not public", err)
	}
}
