// Package explanation explains WeCom's errcodes, and how wecomq handles them.
package explanation

import "github.com/wecomq/wecomq/wecom"

// Explanation is the explanation of an errcode.
type Explanation struct {
	Code    int64  `json:"errcode"`
	Class   string `json:"class"`
	Meaning string `json:"meaning"`
	Hint    string `json:"hint"`
	Effect  string `json:"effect"`
}

// Of explains an errcode in a language.
func Of(code wecom.Code, l wecom.Language) Explanation {
	return Explanation{int64(code), code.Class().String(), code.MeaningIn(l), code.HintIn(l), effects[l][code.Class()]}
}

// effects describe how wecomq handles a message and its app, by class.
var effects = map[wecom.Language]map[wecom.Class]string{
	wecom.English: {
		wecom.ClassOK:          "The message is accepted; recipients that WeCom refused are in its record.",
		wecom.ClassTransient:   "The message is retried: three times within seconds, then at growing intervals.",
		wecom.ClassRate:        "The message is held and uses up no attempt; the app cools down on all hosts.",
		wecom.ClassConcurrency: "The message is retried in one to three seconds and uses up no attempt.",
		wecom.ClassToken:       "A new access token is fetched, once for all processes, and the same attempt continues.",
		wecom.ClassMedia:       "The message is rejected: upload the file again and send a new message.",
		wecom.ClassRecipient:   "The message is rejected; its recipients are in the record.",
		wecom.ClassContent:     "The message is rejected: WeCom will not accept it as it is.",
		wecom.ClassConfig:      "The message is held, not lost, and retried every few minutes; if the whole app is affected, it is suspended.",
		wecom.ClassOther:       "The message is rejected: retrying would not help.",
	},
	wecom.Chinese: {
		wecom.ClassOK:          "消息已接受；被企业微信拒绝的接收人见记录。",
		wecom.ClassTransient:   "消息会自动重试：几秒内重试三次，之后间隔逐渐加长。",
		wecom.ClassRate:        "消息暂缓发送，不消耗重试次数；所有主机上的该应用一起进入限流冷却。",
		wecom.ClassConcurrency: "消息在一到三秒后重试，不消耗重试次数。",
		wecom.ClassToken:       "重新获取 access_token，所有进程只获取一次，然后继续本次发送。",
		wecom.ClassMedia:       "消息被拒绝：请重新上传文件，再发送新消息。",
		wecom.ClassRecipient:   "消息被拒绝；接收人见记录。",
		wecom.ClassContent:     "消息被拒绝：企业微信不接受这样的内容。",
		wecom.ClassConfig:      "消息暂缓发送，不会丢失，每隔几分钟重试；如果整个应用都受影响，应用会被挂起。",
		wecom.ClassOther:       "消息被拒绝：重试没有用。",
	},
}
