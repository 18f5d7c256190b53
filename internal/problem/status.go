package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// The kinds of errors that have an HTTP status, besides *message.ValidationError and those of packages wecom and
// broadcast. Use errors.Is to test for one.
var (
	ErrMalformed    = errors.New("malformed request")
	ErrUnauthorized = errors.New("unauthorized")
	ErrGuessing     = errors.New("many wrong tokens have come from your address")
	ErrForbidden    = errors.New("forbidden")
	ErrNotFound     = errors.New("no such message, or its record has expired")
	ErrNoRoute      = errors.New("no such operation; GET /docs lists them all")
	ErrMethod       = errors.New("method not allowed")
	ErrMediaType    = errors.New("the body's format is not supported")
	ErrSlow         = errors.New("the body did not arrive in time")
	ErrConflict     = errors.New("not possible in the message's state")
	ErrTooLarge     = errors.New("the body is too large")
	ErrInvalid      = errors.New("a value is not valid")
	ErrNotThere     = errors.New("not implemented")
	ErrStopping     = errors.New("the gateway is shutting down; send the rest again")
	ErrBusy         = errors.New("the gateway is out of memory for request bodies; try again")
	ErrOccupied     = errors.New("too many broadcasts are being created; try again")
	// ErrUnavailable means that Redis did not answer; a retry may help.
	ErrUnavailable = errors.New("Redis is unavailable") //nolint:staticcheck // a name begins the sentence
	// ErrRefused means that Redis answers but stores nothing, for example because it is full.
	ErrRefused = fmt.Errorf("%w: it refuses writes", ErrUnavailable)
)

// kind is the response to a kind of error.
type kind struct {
	matches func(error) bool
	status  int
	chinese string // description before the English details
}

// kinds is the only table from errors to HTTP statuses; the first match counts.
var kinds = []kind{
	{is(ErrMalformed), http.StatusBadRequest, "请求格式有误"},
	{is(ErrUnauthorized), http.StatusUnauthorized, "令牌缺失、错误或已过期"},
	{is(ErrGuessing), http.StatusTooManyRequests, "此地址多次使用错误的令牌，请稍后再试"},
	{is(ErrForbidden), http.StatusForbidden, "此令牌没有权限"},
	{as[*budget.ForbiddenError], http.StatusForbidden, "此令牌的限制不允许这样发送"},
	{as[*budget.SpentError], http.StatusTooManyRequests, "此令牌的额度已用完"},
	{is(ErrNotFound), http.StatusNotFound, "没有这条消息，或其记录已过期"},
	{is(ErrNoRoute), http.StatusNotFound, "没有这个接口；全部接口见 GET /docs"},
	{is(ErrMethod), http.StatusMethodNotAllowed, "此地址不支持该请求方法"},
	{is(ErrMediaType), http.StatusUnsupportedMediaType, "不接受这种格式的请求体"},
	{is(ErrSlow), http.StatusRequestTimeout, "请求体未在限定时间内传完"},
	{is(ErrConflict), http.StatusConflict, "消息当前的状态不允许此操作"},
	{is(ErrTooLarge), http.StatusRequestEntityTooLarge, "请求体过大"},
	{is(ErrInvalid), http.StatusUnprocessableEntity, "参数无效"},
	{as[*message.ValidationError], http.StatusUnprocessableEntity, "消息内容无效，有误的字段见 errors"},
	{as[*tasks.KeyReuseError], http.StatusUnprocessableEntity, "该幂等键已用于另一条消息，请为这条消息换一个键"},
	{is(broadcast.ErrNotFound), http.StatusNotFound, "没有这个群发"},
	{is(broadcast.ErrOwnApproval), http.StatusForbidden, "创建者不能审批自己的群发，须由他人审批"},
	{is(broadcast.ErrKeyInUse), http.StatusConflict, "该幂等键已用于另一个群发"},
	{is(broadcast.ErrChanged), http.StatusConflict, "群发在此期间已被修改"},
	{is(broadcast.ErrNothingToReplay), http.StatusConflict, "没有需要重发的接收人"},
	{is(broadcast.ErrRecalling), http.StatusConflict, "群发正在撤回"},
	{is(broadcast.ErrReplaying), http.StatusConflict, "正在创建另一次重发"},
	{is(broadcast.ErrNoVerdict), http.StatusGatewayTimeout, "测试消息尚无结果"},
	{as[*broadcast.TestError], http.StatusUnprocessableEntity, "企业微信未接受测试消息"},
	{as[*broadcast.StateError], http.StatusConflict, "群发当前的状态不允许此操作"},
	{as[*compose.ListError], http.StatusUnprocessableEntity, "接收人名单有误，有误的行见 rows"},
	{is(ErrNotThere), http.StatusNotImplemented, "尚不支持"},
	{as[*wecom.Error], http.StatusBadGateway, "企业微信返回错误"},
	{as[*wecom.CallError], http.StatusBadGateway, "调用企业微信失败"},
	{as[*wecom.UnsentError], http.StatusServiceUnavailable, "未能调用企业微信，消息未发出，请重试"},
	{as[*wecom.TokenHeldError], http.StatusBadGateway, "暂停获取 access_token：多次失败后须等待"},
	{is(ErrUnavailable), http.StatusServiceUnavailable, "Redis 未及时确认，请重试；带幂等键的消息不会因重试而重复"},
	{is(ErrStopping), http.StatusServiceUnavailable, "网关正在停止，请重新发送其余部分"},
	{is(ErrBusy), http.StatusServiceUnavailable, "网关处理中的请求体已达内存上限，请重试"},
	{is(ErrOccupied), http.StatusServiceUnavailable, "同时创建的群发已达上限，请重试"},
	{is(context.DeadlineExceeded), http.StatusServiceUnavailable, "未及时完成，请重试；带幂等键的消息不会因重试而重复"},
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// fault is the kind of errors that are not in the table.
var fault = kind{status: http.StatusInternalServerError, chinese: "wecomq 内部错误；原因见其日志中的此 request_id"}

func kindOf(err error) kind {
	for _, k := range kinds {
		if k.matches(err) {
			return k
		}
	}
	return fault
}

// Status is the HTTP status of an error. An error that is not in the table is a fault of wecomq: 500.
func Status(err error) int { return kindOf(err).status }

// As gives an error another kind, and so another status: the result has the text of err, but does not wrap it.
func As(kind, err error) error { return &recast{kind, err.Error()} }

type recast struct {
	kind error
	text string
}

func (r *recast) Error() string { return r.text }
func (r *recast) Unwrap() error { return r.kind }
