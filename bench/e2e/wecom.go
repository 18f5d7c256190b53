package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// wecomCommand makes this program an HTTP server in WeCom's place: it accepts all calls and records their times.
const wecomCommand = "wecom"

// moments are the arrival times of the calls, in order.
type moments struct {
	mu     sync.Mutex
	all    []time.Time
	delays []time.Duration // of the messages whose text says when they were sent
}

func serveWeCom(ctx context.Context, stderr io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var m moments
	mux := http.NewServeMux()
	mux.HandleFunc("/cgi-bin/gettoken", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","access_token":"token","expires_in":7200}`)
	})
	mux.HandleFunc("/cgi-bin/message/send", m.accept)
	mux.HandleFunc("/moments", m.report)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(stderr, "url: http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (m *moments) accept(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	m.all = append(m.all, time.Now())
	if delay, ok := sinceSent(body); ok {
		m.delays = append(m.delays, delay)
	}
	n := len(m.all)
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","msgid":"a1b2c3d4e5f6g7h8-`+strconv.Itoa(n)+`"}`)
}

// throughput is the reply of report.
type throughput struct {
	Arrived int     `json:"arrived"`
	Rate    float64 `json:"rate"` // a second, of the last nine tenths
	// First is when the first call arrived.
	First time.Time `json:"first,omitzero"`
	// Delays are those of messages with a sending time in their text.
	Delays []time.Duration `json:"delays"`
}

func (m *moments) report(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := throughput{Arrived: len(m.all), Delays: m.delays}
	if len(m.all) > 0 {
		t.First = m.all[0]
	}
	if measured := m.all[len(m.all)/10:]; len(measured) > 1 {
		t.Rate = float64(len(measured)-1) / measured[len(measured)-1].Sub(measured[0]).Seconds()
	}
	_ = json.NewEncoder(w).Encode(t)
}
