package wecom

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Language is a language of the explanations of errcodes.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh" // simplified
)

// Code is an errcode of WeCom's API. A non-zero Code is an error; compare with
// errors.Is(err, wecom.Code(45009)).
//
// The codes this package knows are those of WeCom's global table (page 90313)
// that a messaging client can meet, plus a few that are often mistaken for
// messaging limits; see [Codes].
type Code int64

// The codes that this module itself returns, or acts on beyond their class.
const (
	CodeInvalidParameter Code = 40058 // for problems without a code of their own
	CodeTooLateToRecall  Code = 42052 // the message is older than 24 hours
	CodeResponseCodeUsed Code = 60140 // or too old, or unknown
	CodeAllInvalid       Code = 81013 // otherwise WeCom accepts the call and lists the invalid ones (90236)
)

// Error is the code and its meaning: "errcode 45009: API call frequency exceeded". The meaning is this
// package's; [Error] has WeCom's errmsg.
func (c Code) Error() string { return fmt.Sprintf("errcode %d: %s", int64(c), c.Meaning()) }

// Class is the meaning of the code as an answer to any API but gettoken: gettoken answers 40001 to a wrong
// secret, which no new token fixes. An unknown code is [ClassOther].
func (c Code) Class() Class { return codeTable[c].class }

// Scope says whether the code concerns one message or the whole app.
func (c Code) Scope() Scope { return codeTable[c].scope }

// Meaning describes the problem in one line.
func (c Code) Meaning() string { return c.MeaningIn(English) }

// Hint tells an operator what to do about it.
func (c Code) Hint() string { return c.HintIn(English) }

// MeaningIn is [Code.Meaning] in a language.
func (c Code) MeaningIn(l Language) string {
	meaning, _ := c.text(l)
	return meaning
}

// HintIn is [Code.Hint] in a language.
func (c Code) HintIn(l Language) string {
	_, hint := c.text(l)
	return hint
}

func (c Code) text(l Language) (meaning, hint string) {
	const lookup = "https://open.work.weixin.qq.com/devtool/query?e="
	number := strconv.FormatInt(int64(c), 10)
	info, known := codeTable[c]
	switch {
	case known && l == Chinese:
		return codeTableZH[c].meaning, codeTableZH[c].hint
	case known:
		return info.meaning, info.hint
	case l == Chinese:
		return "未知错误码", "请在 " + lookup + number + " 查询该错误码，处理后重发消息。"
	}
	return "unknown errcode", "Look the code up at " + lookup + number + ", then replay the message."
}

// Known reports whether the code is one of [Codes].
func (c Code) Known() bool {
	_, ok := codeTable[c]
	return ok
}

// Codes returns every code this package knows, in ascending order.
func Codes() []Code { return slices.Sorted(maps.Keys(codeTable)) }
