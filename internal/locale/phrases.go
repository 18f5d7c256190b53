package locale

import (
	"regexp"
	"strings"
	"sync"
)

// phrase is a text of wecomq about waiting or failed messages, or about apps. Records and apps store it in
// English, as in the code.
type phrase struct{ english, chinese string }

var phrases = []phrase{
	{"waits for its turn: its recipients have had as many messages as WeCom delivers to one member", "排队等待：接收人在限定时间内收到的消息已达企业微信对单个成员的上限"},
	{"waits for midnight in China: the day quota of the app is used up", "等到北京时间零点：应用今日额度已用完"},
	{"waits for its turn under the limit per %s", "排队等待：已达上限（$1）"},
	{"the app is paused by hand; 'wecomq app resume' resumes it", "应用已手动暂停；用 wecomq app resume 恢复"},
	{"the app is blocked for another %s; 'wecomq app ls' says why", "应用还要停止 $1；原因见 wecomq app ls"},
	{"the app is in state %s; see 'wecomq app ls'", "应用处于 $1 状态；见 wecomq app ls"},
	{"its deadline passed before it could be sent", "发送前已过截止时间"},
	{"all %d attempts used up; the last: ", "$1 次尝试均已用完；最后一次："},
	{"WeCom took the message but refused %d of its recipients", "企业微信接受了消息，但拒绝了其中 $1 个接收人"},
	{"an earlier attempt ended without an answer, and the message may not be sent again", "之前的一次尝试没有得到应答，且不允许再次发送"},
	{"is about to be enqueued", "即将入队"},
	{"it was never enqueued, was deleted, or its record has expired", "从未入队、已被删除，或其记录已过期"},
	{"in the dashboard: ", "在队列面板中暂停："},
}

// patterns match the phrases, with any values in place of their formatting verbs.
var patterns = sync.OnceValue(func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(phrases))
	for i, p := range phrases {
		all[i] = regexp.MustCompile(strings.NewReplacer("%s", `(\S+)`, "%d", `(\d+)`).Replace(regexp.QuoteMeta(p.english)))
	}
	return all
})
