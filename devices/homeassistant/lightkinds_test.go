package homeassistant_test

// lightKinds are lights of all schemas.
var lightKinds = []kind{
	{
		"a light of the schema json", "homeassistant/light/0x03/light/config",
		`{"schema":"json","~":"z/lamp","stat_t":"~","cmd_t":"~/set","brightness":true,"bri_scl":254,"sup_clrm":["xy","color_temp"],"min_mirs":153,"max_mirs":500,"effect":true,"fx_list":["blink","okay"],"dev":{"ids":["0x03"],"name":"Lamp"}}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/color-temperature:int rs K; light(light)/effect:enum rs; light(light)/on:bool rs; light(light)/transition:float s s",
		[]exchange{
			{
				"z/lamp", `{"state":"ON","brightness":254,"color_mode":"color_temp","color_temp":370,"color":{"x":0.46,"y":0.41},"linkquality":9}`,
				"light/brightness=100 light/color-temperature=2703 light/on=true",
			},
			{"z/lamp", `{"brightness":128}`, "light/brightness=50.39"},
			{"z/lamp", `{"color_mode":"xy","color":{"x":0.6401,"y":0.33}}`, "light/color=0,100"},
			{"z/lamp", `{"color_mode":"hs","color":{"h":120,"s":50}}`, "light/color=120,50"},
			{"z/lamp", `{"state":null,"brightness":null,"effect":null}`, ""},
			{"z/lamp", `{"effect":"BLINK"}`, "light/effect=blink"},
			{"> light/brightness", "50.39", `z/lamp/set={"state":"ON","brightness":128}`},
			{"> light/brightness", "0.1", `z/lamp/set={"state":"ON","brightness":1}`},
			{"> light/brightness", "0", `z/lamp/set={"state":"OFF"}`},
			{"> light/brightness", "101", "refused: invalid value: brightness takes 0 to 100 %, not 101"},
			{"> light/color-temperature", "2700", `z/lamp/set={"state":"ON","color_temp":370}`},
			{"> light/color-temperature", "1000", "refused: invalid value: color-temperature takes 2000 to 6536 K, not 1000"},
			{"> light/color", "0,100", `z/lamp/set={"state":"ON","color":{"x":0.64,"y":0.33}}`},
			{"> light/effect", "blink", `z/lamp/set={"state":"ON","effect":"blink"}`},
			{"> light/on", "false", `z/lamp/set={"state":"OFF"}`},
		},
	},
	{
		"a light of the schema json in kelvin, with hs", "homeassistant/light/l/config",
		`{"schema":"json","stat_t":"l","cmd_t":"l/set","supported_color_modes":["hs","color_temp"],"color_temp_kelvin":true,"min_kelvin":2200,"max_kelvin":6500}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/color-temperature:int rs K; light(light)/on:bool rs; light(light)/transition:float s s",
		[]exchange{
			{"l", `{"state":"ON","color_mode":"color_temp","color_temp":3000}`, "light/color-temperature=3000 light/on=true"},
			{"> light/color-temperature", "4000", `l/set={"state":"ON","color_temp":4000}`},
			{"> light/color", "240,50", `l/set={"state":"ON","color":{"h":240,"s":50}}`},
		},
	},
	{
		"a light of the schema json, switched only", "homeassistant/light/l/config",
		`{"schema":"json","stat_t":"l","cmd_t":"l/set","sup_clrm":["onoff"]}`, "light(light)/on:bool rs",
		[]exchange{{"l", `{"state":"OFF","brightness":3}`, "light/on=false"}},
	},
	{
		"a light of the basic schema", "homeassistant/light/l/config",
		`{"~":"l/","cmd_t":"~on","stat_t":"~state","val_tpl":"{{ value_json.POWER }}","bri_cmd_t":"~dim","bri_stat_t":"~state","bri_scl":100,"bri_val_tpl":"{{ value_json.Dimmer }}","on_cmd_type":"first","rgb_cmd_t":"~rgb","rgb_stat_t":"~rgbs","rgb_val_tpl":"{{value_json.Color.split(',')[0:3]|join(',')}}","clr_temp_cmd_t":"~ct","clr_temp_stat_t":"~state","clr_temp_val_tpl":"{{ value_json.CT }}","fx_cmd_t":"~fx","fx_list":["a","b"]}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/color-temperature:int rs K; light(light)/effect:enum s; light(light)/on:bool rs",
		[]exchange{
			{"l/state", `{"POWER":"ON","Dimmer":40,"CT":250}`, "light/brightness=40 light/color-temperature=4000 light/on=true"},
			{"l/rgbs", `{"Color":"0,255,0,0,0"}`, "light/color=120,100"},
			{"> light/brightness", "40", "l/on=ON l/dim=40"},
			{"> light/brightness", "0", "l/on=OFF"},
			{"> light/color", "120,100", "l/on=ON l/rgb=0,255,0"},
			{"> light/on", "true", "l/on=ON"},
			{"> light/color-temperature", "4000", "l/on=ON l/ct=250"},
			{"> light/effect", "b", "l/on=ON l/fx=b"},
		},
	},
	{
		"a light of the schema template", "homeassistant/light/l/config",
		`{"schema":"template","~":"l/","stat_t":"~state","cmd_t":"~rpc","cmd_on_tpl":"{\"on\":true{%if brightness is defined%},\"dim\":{{brightness|float|multiply(0.3922)|round}}{%endif%}{%if color_temp is defined%},\"ct\":{{color_temp}}{%endif%}{%if red is defined%},\"rgb\":[{{red}},{{green}},{{blue}}]{%endif%}{%if effect is defined%},\"fx\":\"{{effect}}\"{%endif%}}","cmd_off_tpl":"{\"on\":{{ state | lower }}}",` +
			`"stat_tpl":"{%if value_json.on%}on{%else%}off{%endif%}","bri_tpl":"{{value_json.dim|float|multiply(2.55)|round}}","clr_temp_tpl":"{{value_json.ct}}","clr_temp_k":"true","min_k":2700,"max_k":6500,` +
			`"r_tpl":"{{value_json.rgb[0]}}","g_tpl":"{{value_json.rgb[1]}}","b_tpl":"{{value_json.rgb[2]}}","fx_list":["blink"]}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/color-temperature:int rs K; light(light)/effect:enum s; light(light)/on:bool rs",
		[]exchange{
			{"l/state", `{"on":true,"dim":40,"ct":3000,"rgb":[0,255,0]}`, "light/brightness=40 light/color-temperature=3000 light/color=120,100 light/on=true"},
			{"> light/on", "true", `l/rpc={"on":true}`},
			{"> light/on", "false", `l/rpc={"on":false}`},
			{"> light/brightness", "40", `l/rpc={"on":true,"dim":40}`},
			{"> light/brightness", "0", `l/rpc={"on":false}`},
			{"> light/color-temperature", "3000", `l/rpc={"on":true,"ct":3000}`},
			{"> light/effect", "blink", `l/rpc={"on":true,"fx":"blink"}`},
			{"> light/color", "120,100", `l/rpc={"on":true,"rgb":[0,255,0]}`},
		},
	},
	{
		"a light of the schema template that is a relay", "homeassistant/light/l/config",
		`{"schema":"template","stat_t":"l","cmd_t":"l/set","cmd_on_tpl":"1","cmd_off_tpl":"0"}`,
		"light(light)/on:bool s",
		[]exchange{{"> light/on", "true", "l/set=1"}, {"l", "on", ""}},
	},
	{
		"a light that brightness switches on", "homeassistant/light/l/config",
		`{"cmd_t":"l/on","bri_cmd_t":"l/dim","bri_cmd_tpl":"{\"b\":{{ value }}}","on_cmd_type":"brightness"}`,
		"light(light)/brightness:float s %; light(light)/on:bool s",
		[]exchange{{"> light/on", "true", `l/dim={"b":255}`}, {"> light/on", "false", "l/on=OFF"}, {"> light/brightness", "20", `l/dim={"b":51}`}},
	},
	{
		"a light of the schema json with a white channel: a new color keeps the white, and the other way round", "homeassistant/light/l/config",
		`{"schema":"json","stat_t":"l","cmd_t":"l/set","sup_clrm":["rgbw"]}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/on:bool rs; light(light)/transition:float s s; light(light)/white:float rs %",
		[]exchange{
			{"> light/white", "100", `l/set={"state":"ON","color":{"r":0,"g":0,"b":0,"w":255}}`},
			{"l", `{"state":"ON","color_mode":"rgbw","brightness":255,"color":{"r":0,"g":255,"b":0,"w":51}}`, "light/brightness=100 light/color=120,100 light/on=true light/white=20"},
			{"> light/white", "100", `l/set={"state":"ON","color":{"r":0,"g":255,"b":0,"w":255}}`},
			{"> light/color", "0,100", `l/set={"state":"ON","color":{"r":255,"g":0,"b":0,"w":51}}`},
			{"l", `{"color":{"r":0,"g":0,"b":0,"w":255}}`, "light/color=0,0 light/white=100"},
			{"l", `{"color":{"r":0,"g":0,"b":0,"w":256}}`, "light/color=0,0"},
		},
	},
	{
		"a light of the schema json with two white channels", "homeassistant/light/l/config",
		`{"schema":"json","stat_t":"l","cmd_t":"l/set","sup_clrm":["rgbww","color_temp"]}`,
		"light(light)/brightness:float rs %; light(light)/cold-white:float rs %; light(light)/color:color rs; light(light)/color-temperature:int rs K; " +
			"light(light)/on:bool rs; light(light)/transition:float s s; light(light)/warm-white:float rs %",
		[]exchange{
			{"l", `{"state":"ON","color_mode":"rgbww","color":{"r":0,"g":0,"b":255,"c":51,"w":102}}`, "light/cold-white=20 light/color=240,100 light/on=true light/warm-white=40"},
			{"> light/warm-white", "0", `l/set={"state":"ON","color":{"r":0,"g":0,"b":255,"c":51,"w":0}}`},
			{"> light/color", "240,50", `l/set={"state":"ON","color":{"r":128,"g":128,"b":255,"c":51,"w":102}}`},
		},
	},
	{
		"a light of the schema json that shines colored or white", "homeassistant/light/l/config",
		`{"schema":"json","stat_t":"l","cmd_t":"l/set","sup_clrm":["rgb","white"],"whit_scl":100}`,
		"light(light)/brightness:float rs %; light(light)/color:color rs; light(light)/on:bool rs; light(light)/transition:float s s; light(light)/white:float rs %",
		[]exchange{
			{"l", `{"state":"ON","brightness":51,"color_mode":"white"}`, "light/brightness=20 light/on=true light/white=20"},
			{"l", `{"state":"ON","brightness":51,"color_mode":"rgb","color":{"r":255,"g":0,"b":0}}`, "light/brightness=20 light/color=0,100 light/on=true light/white=0"},
			{"> light/white", "50", `l/set={"state":"ON","white":50}`},
			{"> light/white", "0", "refused: invalid value: white takes 1 to 100 %, not 0"},
		},
	},
	{
		"how long a light's changes take goes with each of them", "homeassistant/light/l/config", `{"schema":"json","stat_t":"l","cmd_t":"l/set","brightness":true}`,
		"light(light)/brightness:float rs %; light(light)/on:bool rs; light(light)/transition:float s s",
		[]exchange{
			{"> light/transition", "2.5", ""},
			{"> light/on", "false", `l/set={"state":"OFF","transition":2.5}`},
			{"> light/brightness", "20", `l/set={"state":"ON","brightness":51,"transition":2.5}`},
			{"> light/transition", "0", ""},
			{"> light/on", "true", `l/set={"state":"ON","transition":0}`},
			{"> light/transition", "-1", "refused: invalid value: transition takes 0 to 3600 s, not -1"},
		},
	},
	{
		"a light of the schema template with a transition", "homeassistant/light/l/config",
		`{"schema":"template","cmd_t":"l","cmd_on_tpl":"on{%if transition is defined%} in {{transition}}{%endif%}","cmd_off_tpl":"off{%if transition is defined%} in {{transition}}{%endif%}"}`,
		"light(light)/on:bool s; light(light)/transition:float s s",
		[]exchange{
			{"> light/on", "true", "l=on"}, {"> light/transition", "3", ""}, {"> light/on", "true", "l=on in 3"}, {"> light/on", "false", "l=off in 3"},
		},
	},
	{
		"a light of the basic schema with white channels", "homeassistant/light/l/config",
		`{"cmd_t":"l/on","on_cmd_type":"brightness","rgbw_stat_t":"l/rgbw","rgbw_cmd_t":"l/rgbw/set","rgbww_stat_t":"l/rgbww","rgbww_cmd_t":"l/rgbww/set",` +
			`"rgbww_cmd_tpl":"{{red}} {{green}} {{blue}} {{cold_white}} {{warm_white}}","rgbw_cmd_tpl":"{{value}} {{white}}"}`,
		"light(light)/cold-white:float rs %; light(light)/color:color rs; light(light)/on:bool s; light(light)/warm-white:float rs %; light(light)/white:float rs %",
		[]exchange{
			{"l/rgbw", "255,0,0,51", "light/color=0,100 light/white=20"},
			{"l/rgbw", "255,0,0", ""},
			{"> light/white", "100", "l/rgbw/set=255,0,0,255 255"},
			{"> light/color", "120,100", "l/rgbw/set=0,255,0,51 51"},
			{"l/rgbww", "255,0,0,51,102", "light/cold-white=20 light/color=0,100 light/warm-white=40"},
			{"> light/cold-white", "100", "l/rgbww/set=255 0 0 255 102"},
		},
	},
	{
		"a light of the basic schema that shines colored or white", "homeassistant/light/l/config",
		`{"cmd_t":"l/on","bri_cmd_t":"l/dim","bri_stat_t":"l/dimmed","clrm_stat_t":"l/mode","hs_cmd_t":"l/hs","whit_cmd_t":"l/white","whit_scl":100}`,
		"light(light)/brightness:float rs %; light(light)/color:color s; light(light)/on:bool s; light(light)/white:float rs %",
		[]exchange{
			{"l/dimmed", "51", "light/brightness=20"},
			{"l/mode", "white", "light/white=20"},
			{"l/dimmed", "102", "light/brightness=40 light/white=40"},
			{"l/mode", "hs", "light/white=0"},
			{"> light/white", "50", "l/white=50 l/on=ON"},
		},
	},
}
