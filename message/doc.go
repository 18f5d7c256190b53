// Package message defines what can be pushed to members through WeCom's
// message/send: a request type per msgtype, its limits, validation, the bytes on
// the wire, and a thin [Client].
//
// A request embeds [SendRequestCommon] (to whom, and how) and has one content
// field, named like its msgtype. [Parse] makes a typed request of message/send
// JSON, [Validate] reports everything WeCom would refuse or cut, and [Encode]
// writes the bytes: always the same for the same request, which WeCom's duplicate
// check needs.
//
// Page ids in comments (90236 …) are those of WeCom's developer documentation,
// https://developer.work.weixin.qq.com/document/path/<id>. Sizes in bytes are of
// UTF-8, where a Chinese character takes 3 and most emoji 4; sizes in characters
// count Unicode code points.
package message
