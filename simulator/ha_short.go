package simulator

import "maps"

// The abbreviations of discovery that the simulator uses, by where they hold.
var (
	shortKeys = map[string]string{
		"action_template": "act_tpl", "action_topic": "act_t", "availability": "avty", "availability_topic": "avty_t",
		"brightness_command_topic": "bri_cmd_t", "brightness_scale": "bri_scl", "brightness_state_topic": "bri_stat_t",
		"color_temp_command_topic": "clr_temp_cmd_t", "color_temp_kelvin": "clr_temp_k",
		"color_temp_state_topic": "clr_temp_stat_t", "command_topic": "cmd_t", "components": "cmps",
		"current_humidity_template": "curr_hum_tpl", "current_humidity_topic": "curr_hum_t",
		"color_mode": "clrm", "current_temperature_template": "curr_temp_tpl", "current_temperature_topic": "curr_temp_t", "device": "dev",
		"device_class": "dev_cla", "entity_category": "ent_cat", "event_types": "evt_typ", "hs_command_topic": "hs_cmd_t", "hs_state_topic": "hs_stat_t",
		"max_kelvin": "max_k", "max_mireds": "max_mirs", "min_kelvin": "min_k", "min_mireds": "min_mirs",
		"mode_command_topic": "mode_cmd_t", "mode_state_template": "mode_stat_tpl", "mode_state_topic": "mode_stat_t",
		"options": "ops", "origin": "o", "oscillation_command_topic": "osc_cmd_t", "oscillation_state_topic": "osc_stat_t",
		"oscillation_value_template": "osc_val_tpl", "payload_off": "pl_off", "payload_on": "pl_on",
		"payload_press": "pl_prs", "payload_open": "pl_open", "payload_close": "pl_cls",
		"payload_stop": "pl_stop", "payload_oscillation_on": "pl_osc_on", "payload_oscillation_off": "pl_osc_off",
		"payload_lock": "pl_lock", "payload_unlock": "pl_unlk", "state_open": "stat_open", "state_opening": "stat_opening",
		"state_closed": "stat_clsd", "state_closing": "stat_closing", "state_stopped": "stat_stopped",
		"state_locked": "stat_locked", "state_unlocked": "stat_unlocked", "state_locking": "stat_locking",
		"state_unlocking": "stat_unlocking", "state_jammed": "stat_jam", "percentage_command_topic": "pct_cmd_t", "percentage_state_topic": "pct_stat_t",
		"percentage_value_template": "pct_val_tpl", "platform": "p", "position_template": "pos_tpl", "position_topic": "pos_t",
		"set_position_topic": "set_pos_t", "speed_range_max": "spd_rng_max", "speed_range_min": "spd_rng_min",
		"state_class": "stat_cla", "state_topic": "stat_t", "state_value_template": "stat_val_tpl",
		"supported_color_modes": "sup_clrm", "temperature_command_topic": "temp_cmd_t",
		"temperature_state_template": "temp_stat_tpl", "temperature_state_topic": "temp_stat_t", "temperature_unit": "temp_unit", "unique_id": "uniq_id",
		"unit_of_measurement": "unit_of_meas", "value_template": "val_tpl",
	}
	shortDeviceKeys = map[string]string{
		"connections": "cns", "identifiers": "ids", "manufacturer": "mf", "model": "mdl", "suggested_area": "sa",
		"sw_version": "sw",
	}
	shortOriginKeys = map[string]string{"sw_version": "sw"}
)

// abbreviate returns an announcement with short keys: its own, its device's and origin's, and each component's.
func abbreviate(c map[string]any) map[string]any {
	out := rename(c, shortKeys)
	if d, ok := c["device"].(map[string]any); ok {
		out["dev"] = rename(d, shortDeviceKeys)
	}
	if o, ok := c["origin"].(map[string]any); ok {
		out["o"] = rename(o, shortOriginKeys)
	}
	if components, ok := c["components"].(map[string]any); ok {
		components = maps.Clone(components)
		for key, v := range components {
			if component, ok := v.(map[string]any); ok {
				components[key] = rename(component, shortKeys)
			}
		}
		out["cmps"] = components
	}
	return out
}

func rename(m map[string]any, short map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for key, v := range m {
		if s, ok := short[key]; ok {
			key = s
		}
		out[key] = v
	}
	return out
}
