<?php
//! Labelled pictures by Gregwar's library, of PHP's frameworks: `php gregwar.php FOLDER COUNT`.
require '/usr/share/php/Gregwar/Captcha/autoload.php';

[, $folder, $count] = $argv;
for ($number = 0; $number < (int) $count; $number++) {
    $builder = new Gregwar\Captcha\CaptchaBuilder();
    $builder->build();
    $builder->save("$folder/{$builder->getPhrase()}_num$number.jpg");
}
