package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Simulator is a `wecomq simulate`.
type Simulator struct {
	URL string

	process *Process
}

func startSimulator(ctx context.Context, wecomq, rules string) (*Simulator, error) {
	p, err := Start(wecomq, nil, "simulate", "--listen", "127.0.0.1:0", "--rules", rules)
	if err != nil {
		return nil, err
	}
	s := &Simulator{process: p}
	const label = "api_base_url: "
	line, err := p.AwaitLine(ctx, label)
	if err != nil {
		p.Kill()
		return nil, err
	}
	_, s.URL, _ = strings.Cut(line, label)
	return s, nil
}

// Messages are those that have arrived, the oldest first, from GET /admin/messages.
func (s *Simulator) Messages(ctx context.Context, query string) ([]wecomtest.Message, error) {
	var messages []wecomtest.Message
	err := s.get(ctx, "/admin/messages?"+query, &messages)
	return messages, err
}

// Stats are its counters.
func (s *Simulator) Stats(ctx context.Context) (wecomtest.Stats, error) {
	var stats wecomtest.Stats
	err := s.get(ctx, "/admin/stats", &stats)
	return stats, err
}

func (s *Simulator) get(ctx context.Context, path string, value any) error {
	return GetJSON(ctx, s.URL+path, value)
}

// GetJSON decodes the body of a response with HTTP status 200.
func GetJSON(ctx context.Context, url string, value any) error {
	body, err := Get(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, value)
}

// Get returns the body of a response with HTTP status 200.
func Get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return Fetch(http.DefaultClient, request)
}

// Fetch returns the body of the response to a request, if its HTTP status is 200.
func Fetch(client *http.Client, request *http.Request) ([]byte, error) {
	response, err := client.Do(request) //nolint:gosec // to processes that the benchmark started
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", request.Method, request.URL, response.Status)
	}
	return body, err
}
