package metrics

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// Client calls WeCom for an app; [*wecom.Client] is one.
type Client interface {
	CheckToken(ctx context.Context) error
	Post(ctx context.Context, api string, body []byte, reply any) error
	UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error)
}

// CountCalls wraps an app's client to count and time its calls.
func (m *Metrics) CountCalls(app string, client Client) Client {
	return &countedClient{client, app, m}
}

type countedClient struct {
	Client

	app     string
	metrics *Metrics
}

func (c *countedClient) Post(ctx context.Context, api string, body []byte, reply any) error {
	began := time.Now()
	err := c.Client.Post(ctx, api, body, reply)
	c.count(api, began, err)
	return err
}

func (c *countedClient) UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error) {
	began := time.Now()
	media, err := c.Client.UploadMedia(ctx, kind, filename, content)
	c.count(wecom.APIMediaUpload, began, err)
	return media, err
}

func (c *countedClient) count(api string, began time.Time, err error) {
	c.metrics.duration.WithLabelValues(c.app, api).Observe(time.Since(began).Seconds())
	c.metrics.requests.WithLabelValues(c.app, api, errcodeLabel(err)).Inc()
}

func errcodeLabel(err error) string {
	var refused *wecom.Error
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &refused):
		return strconv.FormatInt(int64(refused.Code), 10)
	default:
		return "none"
	}
}
