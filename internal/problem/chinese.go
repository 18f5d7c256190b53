package problem

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/wecomq/wecomq/wecom"
)

// titlesInChinese are the titles of all statuses that a problem may have.
var titlesInChinese = map[int]string{
	http.StatusBadRequest:            "请求有误",
	http.StatusUnauthorized:          "未通过身份验证",
	http.StatusForbidden:             "没有权限",
	http.StatusNotFound:              "未找到",
	http.StatusMethodNotAllowed:      "不支持该请求方法",
	http.StatusNotAcceptable:         "无法提供所要求的格式",
	http.StatusRequestTimeout:        "请求超时",
	http.StatusConflict:              "与当前状态冲突",
	http.StatusRequestEntityTooLarge: "请求体过大",
	http.StatusUnsupportedMediaType:  "不支持的媒体类型",
	http.StatusUnprocessableEntity:   "内容无效",
	http.StatusTooManyRequests:       "请求过多",
	http.StatusInternalServerError:   "内部错误",
	http.StatusNotImplemented:        "尚不支持",
	http.StatusBadGateway:            "企业微信调用失败",
	http.StatusServiceUnavailable:    "服务暂不可用",
	http.StatusGatewayTimeout:        "等待超时",
}

// inChinese describes an error in Chinese.
func inChinese(err error) string {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return fmt.Sprintf("企业微信返回错误码 %d：%s。%s", int64(refused.Code), refused.Code.MeaningIn(wecom.Chinese), refused.Code.HintIn(wecom.Chinese))
	}
	return kindOf(err).chinese
}
