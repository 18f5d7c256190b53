package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// DefaultBaseURL is WeCom's public API host.
	DefaultBaseURL = "https://qyapi.weixin.qq.com"
	// DefaultTimeout bounds one HTTP call.
	DefaultTimeout = 10 * time.Second

	defaultIdleConns = 16
	maxReplyBytes    = 1 << 20
)

// Config is the configuration of a [Client]. CorpID and Secret are required; all other fields have usable
// zero values.
type Config struct {
	CorpID string
	Secret Secret // of one application; the access token is bound to that app (91039)
	// BaseURL is scheme and host, "" for [DefaultBaseURL]. It must be trusted: it receives the secret.
	BaseURL string
	// Timeout is the timeout of one HTTP call, 0 for [DefaultTimeout].
	Timeout time.Duration
	// Transport is the connection pool, nil for one of its own.
	Transport http.RoundTripper
	// TokenStore shares the access token with other processes; nil keeps it in this one.
	TokenStore TokenStore
}

// Validate reports the first field that is missing or wrong.
func (c Config) Validate() error {
	if c.CorpID == "" {
		return errors.New("wecom: Config.CorpID is empty")
	}
	if c.Secret == "" {
		return errors.New("wecom: Config.Secret is empty")
	}
	if c.Timeout < 0 {
		return fmt.Errorf("wecom: Config.Timeout is negative (%s)", c.Timeout)
	}
	_, err := c.baseURL()
	return err
}

func (c Config) baseURL() (*url.URL, error) {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("wecom: Config.BaseURL is not like %s", DefaultBaseURL)
	}
	if base.Path == "" {
		base.Path = "/"
	}
	return base, nil
}

// Client calls WeCom's API for one application. It is safe for concurrent use.
type Client struct {
	base   url.URL // of the APIs
	corpID string
	// secret is a function because fmt prints unexported fields without calling their methods, even those of
	// a struct that contains a client.
	secret  func() Secret
	timeout time.Duration
	// transport is used without an http.Client, which would follow redirects with
	// the token, and whose errors show the URL.
	transport http.RoundTripper
	tokens    *tokenCache
}

// Format prints the corp only.
func (c Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "wecom.Client(%s)", c.corpID) }

// NewClient validates the configuration; it makes no call.
func NewClient(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	base, err := cfg.baseURL()
	if err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Transport == nil {
		cfg.Transport = NewTransport(nil, defaultIdleConns)
	}
	c := &Client{
		base: *base.JoinPath("cgi-bin"), corpID: cfg.CorpID, secret: func() Secret { return cfg.Secret }, timeout: cfg.Timeout, transport: cfg.Transport,
	}
	c.tokens = newTokenCache(c.fetchToken, cfg.TokenStore)
	return c, nil
}

// Post sends body to /cgi-bin/<api> and decodes the JSON reply into reply. If WeCom no longer accepts the
// token, it is replaced and the call repeated.
//
// An errcode other than 0 is returned as *[Error], with reply filled in; a call without a usable answer as
// *[CallError]. [ClassOf] classifies both.
func (c *Client) Post(ctx context.Context, api string, body []byte, reply any) error {
	return c.withToken(ctx, func(token Secret) error {
		query := url.Values{"access_token": {string(token)}}
		return c.call(ctx, http.MethodPost, api, query, "application/json", body, reply)
	})
}

// CheckToken verifies the credentials: it uses the cached access token or fetches one.
func (c *Client) CheckToken(ctx context.Context) error {
	_, err := c.tokens.get(ctx)
	return err
}

// maxTokens is how many tokens one call tries: its own, one that another process has stored, and one that is
// fetched.
const maxTokens = 3

// withToken runs call, and repeats it with another token while WeCom refuses the token, until it refuses one
// that was just fetched. WeCom checks the token before it acts, so the repeats send nothing twice.
func (c *Client) withToken(ctx context.Context, call func(token Secret) error) error {
	for tried := 1; ; tried++ {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return err
		}
		err = call(token.Value)
		if ClassOf(err) != ClassToken || tried == maxTokens || tried > 1 && token.fetched {
			return err
		}
		if err := c.tokens.drop(ctx, token); err != nil {
			return err
		}
	}
}

func (c *Client) call(
	ctx context.Context, method, api string, query url.Values, contentType string, body []byte, reply any,
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %s", c.timeout))
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// From here on bytes may leave this machine.
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	status, answer, err := c.roundTrip(ctx, method, api, query, contentType, body)
	if err != nil {
		return &CallError{API: api, Status: status, Sent: sent.Load(), Err: readableCause(ctx, err)}
	}
	return decodeAnswer(api, status, answer, reply)
}

func (c *Client) roundTrip(
	ctx context.Context, method, api string, query url.Values, contentType string, body []byte,
) (status int, answer []byte, err error) {
	target := c.base
	api = "/" + strings.TrimPrefix(api, "/")
	target.Path += api
	if target.RawPath != "" { // the base is escaped
		target.RawPath += api
	}
	target.RawQuery = query.Encode()
	req := (&http.Request{
		Method: method, URL: &target, Host: target.Host, Header: http.Header{"User-Agent": {"wecomq"}},
	}).WithContext(ctx)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxReplyBytes))
	return resp.StatusCode, answer, err
}

// readableCause replaces "context deadline exceeded" by "no answer within 10s".
func readableCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		return cause
	}
	return err
}

// decodeAnswer distinguishes WeCom's answers from those of a proxy: WeCom's own errors come with HTTP 200 and
// an errcode.
func decodeAnswer(api string, status int, answer []byte, reply any) error {
	var head struct {
		Code json.RawMessage `json:"errcode"`
		Msg  json.RawMessage `json:"errmsg"`
	}
	// A number in a string counts as a number; null is not an errcode.
	err := json.Unmarshal(answer, &head)
	number, numberErr := strconv.ParseInt(string(bytes.TrimSpace(bytes.Trim(head.Code, `"`))), 10, 64)
	code, isJSON := Code(number), err == nil && numberErr == nil
	if status != http.StatusOK || !isJSON {
		return &CallError{API: api, Status: status, Sent: true, Err: strangeAnswer(status, isJSON)}
	}
	if reply != nil {
		// The errcode is known by now. A member of an unexpected type stays zero: it must not turn an
		// accepted message into a failed one.
		_ = json.Unmarshal(answer, reply)
	}
	if code == 0 {
		return nil
	}
	var text string
	_ = json.Unmarshal(head.Msg, &text) // for humans only
	return &Error{API: api, Code: code, Msg: text}
}

func strangeAnswer(status int, isJSON bool) error {
	text := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
	switch {
	case status >= 300 && status < 500 && status != http.StatusTooManyRequests:
		return fmt.Errorf("%s: this is not WeCom's API; check api_base_url and proxy", text)
	case status == http.StatusOK && !isJSON:
		return fmt.Errorf("%s, but the body is not WeCom's JSON", text)
	default:
		return errors.New(text)
	}
}
