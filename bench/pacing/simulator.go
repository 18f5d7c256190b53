package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// simulator is a `wecomq simulate`.
type simulator struct {
	process *stage.Process
	url     string
}

func startSimulator(ctx context.Context, wecomq, rules string) (*simulator, error) {
	p, err := stage.Start(wecomq, nil, "simulate", "--listen", "127.0.0.1:0", "--rules", rules)
	if err != nil {
		return nil, err
	}
	s := &simulator{process: p}
	const label = "api_base_url: "
	line, err := p.AwaitLine(ctx, label)
	if err != nil {
		p.Kill()
		return nil, err
	}
	_, s.url, _ = strings.Cut(line, label)
	return s, nil
}

// arrivals are the messages that have arrived, the oldest first.
func (s *simulator) arrivals(ctx context.Context) (arrivals, error) {
	var all arrivals
	err := s.get(ctx, "/admin/messages", &all)
	return all, err
}

// refused is how often the simulator said 45009.
func (s *simulator) refused(ctx context.Context) (int64, error) {
	var stats wecomtest.Stats
	err := s.get(ctx, "/admin/stats", &stats)
	return stats.APIs["message/send"].Codes[wecom.Code(45009)], err
}

// awaitArrival waits for the first message.
func (s *simulator) awaitArrival(ctx context.Context) error {
	for {
		var first arrivals
		if err := s.get(ctx, "/admin/messages?limit=1", &first); err != nil || len(first) > 0 {
			return err
		}
		if err := stage.Wait(ctx, stage.PollInterval); err != nil {
			return err
		}
	}
}

func (s *simulator) get(ctx context.Context, path string, value any) error {
	body, err := get(ctx, s.url+path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, value)
}

// get returns the body of an answer with HTTP status 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return body, err
}
