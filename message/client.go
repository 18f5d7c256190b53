package message

import (
	"context"
	"errors"
	"sync"

	"github.com/wecomq/wecomq/wecom"
)

// The paths of WeCom's calls, below /cgi-bin/.
const (
	APISend               = "message/send"
	APIRecall             = "message/recall"
	APIUpdateTemplateCard = "message/update_template_card"
)

// Poster posts a body to an API like "message/send" and decodes the JSON answer into reply. An errcode other
// than 0 is a [*wecom.Error]; reply is filled in then, too. [*wecom.Client] implements it.
type Poster interface {
	Post(ctx context.Context, api string, body []byte, reply any) error
}

// Client sends messages one at a time, immediately: nothing is queued, paced or retried. It is as safe for
// concurrent use as its [Poster].
//
// Every method returns WeCom's answer even with a [*wecom.Error], which has the code, its class and a hint. A
// request that is rejected locally, usually with a [*ValidationError], has an answer too: the errcode WeCom
// would return, and the problem. With any other error the answer is nil.
type Client struct {
	poster  Poster
	agentID string
	types   sync.Mutex // held to set the MsgType of a caller's request, which several calls may share
}

// NewClient makes a client for one application. Requests that have no AgentID
// get agentID.
func NewClient(poster Poster, agentID string) *Client {
	return &Client{poster: poster, agentID: agentID}
}

// Send is [Client.SendContext] without a context.
func (c *Client) Send(apiName string, request any) (*SendResponse, error) {
	return c.SendContext(context.Background(), apiName, request)
}

// SendContext posts any request that marshals to a JSON object to message/send, even one that this package
// does not know. The apiName is a label and has no effect; for other APIs use [wecom.Client.Post]. A
// [Request] is validated first.
func (c *Client) SendContext(ctx context.Context, _ string, request any) (*SendResponse, error) {
	if typed, ok := asRequest(request); ok {
		if err := Validate(typed); err != nil {
			return &SendResponse{CommonError: refusedHere(err)}, err
		}
	}
	return call(ctx, c, APISend, request, new(SendResponse))
}

// SendText is [Client.SendTextContext] without a context.
func (c *Client) SendText(request SendTextRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendTextContext validates and sends a text.
func (c *Client) SendTextContext(ctx context.Context, request SendTextRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendImage is [Client.SendImageContext] without a context.
func (c *Client) SendImage(request SendImageRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendImageContext validates and sends an image.
func (c *Client) SendImageContext(ctx context.Context, request SendImageRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendVoice is [Client.SendVoiceContext] without a context.
func (c *Client) SendVoice(request SendVoiceRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendVoiceContext validates and sends a voice recording.
func (c *Client) SendVoiceContext(ctx context.Context, request SendVoiceRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendVideo is [Client.SendVideoContext] without a context.
func (c *Client) SendVideo(request SendVideoRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendVideoContext validates and sends a video.
func (c *Client) SendVideoContext(ctx context.Context, request SendVideoRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendFile is [Client.SendFileContext] without a context.
func (c *Client) SendFile(request SendFileRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendFileContext validates and sends a file.
func (c *Client) SendFileContext(ctx context.Context, request SendFileRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendTextCard is [Client.SendTextCardContext] without a context.
func (c *Client) SendTextCard(request SendTextCardRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendTextCardContext validates and sends a textcard.
func (c *Client) SendTextCardContext(ctx context.Context, request SendTextCardRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendNews is [Client.SendNewsContext] without a context.
func (c *Client) SendNews(request SendNewsRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendNewsContext validates and sends news.
func (c *Client) SendNewsContext(ctx context.Context, request SendNewsRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendMpNews is [Client.SendMpNewsContext] without a context.
func (c *Client) SendMpNews(request SendMpNewsRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendMpNewsContext validates and sends mpnews.
func (c *Client) SendMpNewsContext(ctx context.Context, request SendMpNewsRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendMarkdown is [Client.SendMarkdownContext] without a context.
func (c *Client) SendMarkdown(request SendMarkdownRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendMarkdownContext validates and sends a markdown text.
func (c *Client) SendMarkdownContext(ctx context.Context, request SendMarkdownRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendMiniProgramNotice is [Client.SendMiniProgramNoticeContext] without a context.
func (c *Client) SendMiniProgramNotice(request SendMiniProgramNoticeRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendMiniProgramNoticeContext validates and sends a miniprogram_notice.
func (c *Client) SendMiniProgramNoticeContext(ctx context.Context, request SendMiniProgramNoticeRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// SendTemplateCard is [Client.SendTemplateCardContext] without a context.
func (c *Client) SendTemplateCard(request SendTemplateCardRequest) (*SendResponse, error) {
	return c.send(context.Background(), request)
}

// SendTemplateCardContext validates and sends a template_card.
func (c *Client) SendTemplateCardContext(ctx context.Context, request SendTemplateCardRequest) (*SendResponse, error) {
	return c.send(ctx, request)
}

// call encodes and posts a request. It adds the agentid to the bytes and does not modify the request.
func call[R any](ctx context.Context, c *Client, api string, request any, reply *R) (*R, error) {
	body, err := Encode(request)
	if err != nil {
		return nil, err
	}
	if api == APISend {
		body = addAgentID(body, c.agentID)
	} else {
		body = FillAgentID(body, c.agentID)
	}
	err = c.poster.Post(ctx, api, body, reply)
	if _, refused := errors.AsType[*wecom.Error](err); err != nil && !refused {
		return nil, err
	}
	return reply, err
}

// send sets the type of a typed request, whatever the request said, so that the caller sees it.
func (c *Client) send(ctx context.Context, request Request) (*SendResponse, error) {
	if common := request.Common(); common != nil {
		request = request.with(c.setType(common, string(request.Type())))
	}
	return c.SendContext(ctx, APISend, request)
}

// setType sets the MsgType of the caller's common part and returns a copy, because concurrent calls may share
// that part.
func (c *Client) setType(common *SendRequestCommon, msgType string) *SendRequestCommon {
	c.types.Lock()
	defer c.types.Unlock()
	if common.MsgType != msgType {
		common.MsgType = msgType
	}
	own := *common
	return &own
}

// refusedHere is the answer to a request that was not posted.
func refusedHere(err error) CommonError {
	code := wecom.CodeInvalidParameter
	if invalid, ok := errors.AsType[*ValidationError](err); ok {
		code = invalid.Fields[0].Code()
	}
	return CommonError{ErrCode: int64(code), ErrMsg: err.Error()}
}
