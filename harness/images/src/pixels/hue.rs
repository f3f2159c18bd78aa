//! Changes the hue like torchvision does on a Pillow image.
//!
//! The conversion to and from `HSV` is that of Pillow, with one byte per channel (after Python's `colorsys`), including
//! its mixture of single and double precision.

/// Turns the hue of every pixel by `turns` of the colour circle, like torchvision's `adjust_hue(image, turns)`.
///
/// `rgb` and the result are interleaved, with three bytes per pixel. The turn is truncated to whole steps of 1/255.
/// Even a turn of 0 changes some colours slightly, because HSV has fewer colours.
pub fn adjust_hue(rgb: &[u8], turns: f64) -> Vec<u8> {
    let steps = hue_steps(turns);
    let mut turned = rgb.to_vec();
    for pixel in turned.as_chunks_mut::<3>().0 {
        let [hue, saturation, value] = hsv(*pixel);
        *pixel = colour([hue.wrapping_add(steps), saturation, value]);
    }
    turned
}

/// Steps of 1/255 of a turn, modulo 256.
pub(crate) fn hue_steps(turns: f64) -> u8 {
    (turns * 255.0) as i32 as u8 // both casts as in NumPy: truncated towards 0, then modulo 256
}

/// Hue, saturation and value, like Pillow's `rgb2hsv`.
fn hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    let below = |channel: u8| f32::from(most - channel) / range;
    let (red, green, blue) = (below(r), below(g), below(b));
    let sixths = if r == most {
        blue - green
    } else if g == most {
        (2.0 + f64::from(red) - f64::from(blue)) as f32
    } else {
        (4.0 + f64::from(green) - f64::from(red)) as f32
    };
    let hue = ((f64::from(sixths) / 6.0 + 1.0) % 1.0) as f32;
    let saturation = range / f32::from(most);
    [byte(hue), byte(saturation), most]
}

/// Converts a share in 0..=1 to a byte, truncated.
fn byte(share: f32) -> u8 {
    (f64::from(share) * 255.0) as u8
}

/// Red, green and blue, like Pillow's `hsv2rgb`.
fn colour([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let sector = sixths.floor();
    let part = (sixths - sector) as f32;
    let saturation = (f64::from(saturation) / 255.0) as f32;
    let dimmed = |by: f64| (f64::from(value) * (1.0 - by)).round() as u8;
    let low = dimmed(f64::from(saturation));
    let falling = dimmed(f64::from(saturation * part));
    let rising = dimmed(f64::from(saturation) * (1.0 - f64::from(part)));
    match sector as u8 % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_keep_their_value_at_every_turn() {
        for value in 0..=255 {
            for turns in [-0.5, -0.1, 0.0, 0.3, 0.5] {
                assert_eq!(adjust_hue(&[value; 3], turns), [value; 3]);
            }
        }
    }

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn a_third_of_a_turn_takes_red_to_green_to_blue() {
        let colours = [255, 0, 0, 0, 255, 0, 0, 0, 255];
        assert_eq!(adjust_hue(&colours, 1.0 / 3.0), [0, 255, 0, 0, 0, 255, 255, 0, 0]);
        // Backwards, the result is one step too far: a full turn has 255 steps, but the sum is taken modulo 256.
        assert_eq!(adjust_hue(&colours, -1.0 / 3.0), [6, 0, 255, 255, 0, 0, 0, 255, 0]);
    }

    #[test]
    fn a_turn_is_cut_to_whole_steps() {
        let colour = [200, 40, 90];
        assert_eq!(adjust_hue(&colour, 1.9 / 255.0), adjust_hue(&colour, 1.0 / 255.0));
        assert_eq!(adjust_hue(&colour, -0.9 / 255.0), adjust_hue(&colour, 0.0));
    }
}
