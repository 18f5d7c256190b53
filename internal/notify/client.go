package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// callTimeout limits a request including its response.
	callTimeout = 15 * time.Second
	dialTimeout = 5 * time.Second
	// mostAnswer is how many bytes of a response are read, so that its connection can be reused.
	mostAnswer = 16 << 10
)

// errInternal is the error for a receiver whose address is not allowed.
var errInternal = errors.New("its address is not public; notify_internal: true allows it")

// client posts the notifications of a receiver.
type client struct {
	to     Receiver
	signer *standardwebhooks.Webhook
	http   *http.Client
}

func newClient(to Receiver) (*client, error) {
	signer, err := standardwebhooks.NewWebhook(string(to.Secret))
	if err != nil {
		return nil, errors.New("notify_secret is not whsec_ and base64") // the error does not contain the secret
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !to.Internal {
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe // checks the resolved address
	}
	return &client{to: to, signer: signer, http: &http.Client{
		Timeout: callTimeout,
		// No proxy: the guard would see the proxy's address.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1,
			IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// post makes one attempt. Only a 2xx response is a success; redirects are not followed.
func (c *client) post(ctx context.Context, n notification) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(c.to.URL), bytes.NewReader(n.body))
	if err != nil {
		return errors.New("notify_url is no URL") // the error does not contain it: it may have a password
	}
	now := time.Now()
	signature, err := c.signer.Sign(n.id, now, n.body)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	header := request.Header
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "wecomq")
	header.Set(standardwebhooks.HeaderWebhookID, n.id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	answer, err := c.http.Do(request)
	if err != nil {
		return fault(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, mostAnswer)
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	return nil
}

// close closes the connections.
func (c *client) close() { c.http.CloseIdleConnections() }

// fault returns why there was no response, without the URL.
func fault(err error) error {
	for _, prohibited := range []error{ssrf.ErrProhibitedIP, ssrf.ErrProhibitedPort, ssrf.ErrProhibitedNetwork} {
		if errors.Is(err, prohibited) {
			return errInternal
		}
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
